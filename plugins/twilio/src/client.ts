import type { FetchResponse, PluginContext } from "@veroforge/sdk";
import { formEncode, objectOf, Refusal, retrying, type FormFields } from "@veroforge/kit";

export type TwilioObject = { [name: string]: any };

/** Twilio knows no idempotency key: only what it says it has not done (429) is tried again. */
const policy = { attempts: 3, waitMsMax: 2000, idempotent: false };
const headers = { "content-type": "application/x-www-form-urlencoded" };

/** Creates a message or a call. */
export async function create(
  context: PluginContext, resource: "Messages" | "Calls", fields: FormFields,
): Promise<TwilioObject> {
  const { accountSid } = context.config;
  if (accountSid === undefined) throw new Refusal("not-configured", "set the account SID");
  return read(await retrying(policy, () =>
    context.fetch(`https://api.twilio.com/2010-04-01/Accounts/${accountSid}/${resource}.json`, {
      method: "POST", headers, body: formEncode(fields), auth: { basic: "TWILIO_CREDENTIALS" },
    })));
}

/** Sends or checks a code; `undefined` when Twilio no longer knows the verification. */
export async function verify(
  context: PluginContext, resource: "Verifications" | "VerificationCheck", fields: FormFields,
): Promise<TwilioObject | undefined> {
  const { verifyService } = context.config;
  if (verifyService === undefined) throw new Refusal("not-configured", "set the Verify service for one-time codes");
  const response = await retrying(policy, () =>
    context.fetch(`https://verify.twilio.com/v2/Services/${verifyService}/${resource}`, {
      method: "POST", headers, body: formEncode(fields), auth: { basic: "TWILIO_CREDENTIALS" },
    }));
  return resource === "VerificationCheck" && response.status === 404 ? undefined : read(response);
}

async function read(response: FetchResponse): Promise<TwilioObject> {
  if (response.status === 429) throw new Refusal("twilio.too-many", "Twilio asks for fewer requests; call again later");
  if (response.status === 401) {
    throw new Refusal("twilio.unauthorized", "Twilio does not accept the credentials: set TWILIO_CREDENTIALS anew");
  }
  if (response.status >= 500) {
    throw new Refusal("twilio.unavailable", `Twilio answered with status ${response.status}; what was asked may have been done`);
  }
  const answer = await objectOf(response, "twilio");
  if (response.ok) return answer;
  const code: unknown = answer["code"];
  const sentence: unknown = answer["message"];
  throw new Refusal(`twilio.${typeof code === "number" ? code : response.status}`,
    typeof sentence === "string" && sentence !== "" ? sentence : "Twilio refused the request");
}
