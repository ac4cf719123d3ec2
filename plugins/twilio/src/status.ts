import type { HookDelivery, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { fail, ok, parseForm } from "@veroforge/kit";

/** Hears what became of a message, and tells the team of those that did not arrive. */
export async function messageStatus(
  data: HookDelivery, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const fields = parseForm(data.body);
  if (!(await isFromTwilio(data, fields, context))) return fail("denied", "the report is not signed by Twilio");
  const message = fields["MessageSid"] ?? "";
  const status = fields["MessageStatus"] ?? "";
  if (status === "failed" || status === "undelivered") {
    await context.api.triggerWorkflow("notify-team", {
      topic: "messages", text: `The message ${message} to ${fields["To"] ?? "a customer"} was not delivered (${fields["ErrorCode"] ?? "no code"}).`,
    });
  }
  return ok({ message, status });
}

/** HMAC-SHA1 of the address followed by each field's name and value, sorted by name, in base64. */
async function isFromTwilio(
  delivery: HookDelivery, fields: { [name: string]: string }, context: PluginContext,
): Promise<boolean> {
  const address = context.config.hookAddress;
  const signature = delivery.headers["x-twilio-signature"] ?? "";
  if (address === undefined || !/^[A-Za-z0-9+/]{27}=$/.test(signature)) return false;
  const signed = address + Object.keys(fields).sort().map((name) => name + fields[name]).join("");
  return context.crypto.verifyHmac("TWILIO_AUTH_TOKEN", "sha1", signed, signature, "base64");
}
