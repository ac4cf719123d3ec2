import type { PluginContext } from "@veroforge/sdk";
import { SlackRefusal, type SlackAnswer } from "./client";

/** A message that was posted. */
export interface Sent {
  channel: string;
  ts: string;
  repeated: boolean;
}

interface Remembered { key: string; channel: string; ts: string }

const storageKey = "sent";
const rememberedMax = 200;

/**
 * Posts, unless a call with the same key has posted already. The last 200 keys are remembered. Without a key
 * nothing is remembered.
 */
export async function once(
  context: PluginContext, key: string | undefined, send: () => Promise<SlackAnswer>,
): Promise<Sent> {
  const remembered = key === undefined ? [] : await load(context);
  const earlier = remembered.find((item) => item.key === key);
  if (earlier !== undefined) return { channel: earlier.channel, ts: earlier.ts, repeated: true };
  const { channel, ts } = await send();
  if (typeof channel !== "string" || typeof ts !== "string") {
    throw new SlackRefusal("unexpected-answer", "Slack did not say where the message is");
  }
  if (key !== undefined) {
    remembered.push({ key, channel, ts });
    await context.storage.set(storageKey, remembered.slice(-rememberedMax).map((item) => ({ ...item })));
  }
  return { channel, ts, repeated: false };
}

async function load(context: PluginContext): Promise<Remembered[]> {
  const kept = await context.storage.get<Remembered[] & any>(storageKey);
  return Array.isArray(kept) ? kept : [];
}
