import type { PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { ok, once } from "@veroforge/kit";
import { create } from "./client";

interface Call { to: string; text: string; times?: number; idempotencyKey?: string }

/** Places a call whose whole script is in the request. */
export async function call(data: Call, context: PluginContext, _request: PluginRequest): Promise<PluginResponse> {
  const { value, repeated } = await once(context, "called", data.idempotencyKey, 500, async () => {
    const placed = await create(context, "Calls", {
      To: data.to, From: context.config.from, Twiml: script(data.text, context.config.language, data.times ?? 1),
    });
    return { call: String(placed["sid"]), status: String(placed["status"]) };
  });
  return ok({ ...value, repeated });
}

function script(text: string, language: string, times: number): string {
  return `<Response><Pause length="1"/><Say language="${language}" loop="${times}">${escape(text)}</Say></Response>`;
}

function escape(text: string): string {
  // What XML 1.0 cannot hold is left out; the rest is escaped.
  return text.replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "")
    .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
