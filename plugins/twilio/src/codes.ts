import type { PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { fail, ok } from "@veroforge/kit";
import { verify } from "./client";

const hourMs = 3_600_000;
/** How long Twilio Verify honours a code. */
const validMs = 600_000;

/** What is known of a number: when codes were sent in the last hour, and the code that is out. */
interface Known { sentAtMs: number[]; wrong: number; expiresAtMs: number }

/**
 * Sends a code. Two limits stand beside Twilio's own: so many codes an hour to one number, so that a form on a
 * website cannot be used to run up a bill; and so many attempts a code.
 */
export async function sendCode(
  data: { to: string; channel?: "sms" | "call" }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const now = Date.now();
  const known = await load(data.to, context);
  const recent = known.sentAtMs.filter((sentAtMs) => now - sentAtMs < hourMs);
  const [first] = recent;
  if (first !== undefined && recent.length >= context.config.codesPerHour) {
    const minutes = Math.ceil((first + hourMs - now) / 60_000);
    return fail("too-many-codes", `this number has had ${recent.length} codes in an hour; the next one can be sent in ${minutes} minutes`);
  }
  const sent = await verify(context, "Verifications", { To: data.to, Channel: data.channel ?? "sms" });
  const expiresAtMs = now + validMs;
  await context.storage.set(key(data.to), { sentAtMs: [...recent, now], wrong: 0, expiresAtMs });
  return ok({
    verification: String(sent?.["sid"] ?? ""),
    expiresAt: new Date(expiresAtMs).toISOString(),
    codesLeft: context.config.codesPerHour - recent.length - 1,
  });
}

/** Checks a code. The attempt is counted before Twilio is asked, so that calls at the same time win nothing. */
export async function checkCode(
  data: { to: string; code: string }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const known = await load(data.to, context);
  if (Date.now() >= known.expiresAtMs) return fail("expired", "no code is out for this number, or it has expired; send a new one");
  const attemptsLeft = context.config.attemptsPerCode - known.wrong - 1;
  if (attemptsLeft < 0) return fail("too-many-attempts", "this code can no longer be used; send a new one");
  await context.storage.set(key(data.to), { ...known, wrong: known.wrong + 1 });
  const check = await verify(context, "VerificationCheck", { To: data.to, Code: data.code });
  if (check === undefined) return fail("expired", "Twilio no longer knows the code; send a new one");
  if (check["status"] !== "approved") return ok({ approved: false, attemptsLeft });
  await context.storage.set(key(data.to), { ...known, wrong: 0, expiresAtMs: 0 });
  return ok({ approved: true });
}

function key(to: string): string {
  return `code/${to}`;
}

async function load(to: string, context: PluginContext): Promise<Known> {
  const kept = await context.storage.get<any>(key(to));
  return {
    sentAtMs: Array.isArray(kept?.sentAtMs) ? kept.sentAtMs : [],
    wrong: typeof kept?.wrong === "number" ? kept.wrong : 0,
    expiresAtMs: typeof kept?.expiresAtMs === "number" ? kept.expiresAtMs : 0,
  };
}
