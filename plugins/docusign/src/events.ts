import type { HookDelivery, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { fail, ok } from "@veroforge/kit";
import { contractOfEnvelope } from "./envelopes";
import { bringUpToDate } from "./status";

/**
 * An event says only that something has changed: the truth is asked of DocuSign itself, so that events that come late,
 * twice or out of order do no harm.
 */
export async function docusignEvent(
  data: HookDelivery, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  if (!(await isFromDocuSign(data, context))) return fail("denied", "the event is not signed by DocuSign");
  let envelope: unknown;
  try {
    envelope = JSON.parse(data.body)?.data?.envelopeId;
  } catch {
    return fail("invalid", "the event is no JSON");
  }
  const contract = typeof envelope === "string" ? await contractOfEnvelope(envelope, context) : undefined;
  if (typeof envelope !== "string" || contract === undefined) return ok({ handled: false });
  const { status } = await bringUpToDate(contract, envelope, context);
  return ok({ handled: true, status });
}

/** HMAC-SHA256 of the body in base64, in a header for each key of the Connect configuration. */
async function isFromDocuSign(delivery: HookDelivery, context: PluginContext): Promise<boolean> {
  for (const [name, signature] of Object.entries(delivery.headers)) {
    if (!/^x-docusign-signature-\d{1,3}$/.test(name) || !/^[A-Za-z0-9+/]{43}=$/.test(signature)) continue;
    if (await context.crypto.verifyHmac("DOCUSIGN_CONNECT_KEY", "sha256", delivery.body, signature, "base64")) return true;
  }
  return false;
}
