import type { FetchResponse, PluginContext, PluginRequest } from "@veroforge/sdk";
import { formEncodeNested, objectOf, Refusal, retrying, type Nested } from "@veroforge/kit";

/** The version of Stripe's API whose shapes this plugin reads; Stripe keeps answering in it. */
const apiVersion = "2023-10-16";
const policy = { attempts: 3, waitMsMax: 4000, idempotent: true };

export type StripeObject = { [name: string]: any };

export async function get(context: PluginContext, path: string): Promise<StripeObject> {
  return read(await retrying(policy, () =>
    context.fetch(`https://api.stripe.com/v1/${path}`, {
      headers: { "stripe-version": apiVersion },
      auth: { bearer: "STRIPE_SECRET_KEY" },
    })));
}

/**
 * Posts a form. Every post carries an idempotency key, so that it can be repeated when its fate is unknown: Stripe
 * answers a key that it has seen with the first answer.
 */
export async function post(
  context: PluginContext, path: string, fields: { [name: string]: Nested }, idempotencyKey: string,
): Promise<StripeObject> {
  return read(await retrying(policy, () =>
    context.fetch(`https://api.stripe.com/v1/${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "idempotency-key": idempotencyKey,
        "stripe-version": apiVersion,
      },
      body: formEncodeNested(fields),
      auth: { bearer: "STRIPE_SECRET_KEY" },
    })));
}

/** Deleting twice is deleting once. */
export async function remove(context: PluginContext, path: string): Promise<StripeObject> {
  return read(await retrying(policy, () =>
    context.fetch(`https://api.stripe.com/v1/${path}`, {
      method: "DELETE",
      headers: { "stripe-version": apiVersion },
      auth: { bearer: "STRIPE_SECRET_KEY" },
    })));
}

/**
 * The key of one step of a call: from the caller's key where there is one, from the call's identity otherwise, so
 * that a call that the runtime repeats does not act twice.
 */
export function keyFor(request: PluginRequest, step: string, given?: string): string {
  return `vf-${step}-${given ?? request.id ?? crypto.randomUUID()}`.slice(0, 255);
}

async function read(response: FetchResponse): Promise<StripeObject> {
  if (response.status === 429) throw new Refusal("stripe.rate_limit", "Stripe asks for fewer requests; call again later");
  if (response.status >= 500) {
    throw new Refusal("stripe.unavailable", `Stripe answered with status ${response.status}; the same call can be made again`);
  }
  const answer = await objectOf(response, "stripe");
  if (response.ok) return answer;
  const error: StripeObject = answer["error"] ?? {};
  const word = [error["code"], error["type"]].find((value) => typeof value === "string" && value !== "");
  const declined = typeof error["decline_code"] === "string" ? ` (${error["decline_code"]})` : "";
  if (response.status === 401) {
    throw new Refusal("stripe.unauthorized", "Stripe does not accept the key: set STRIPE_SECRET_KEY anew");
  }
  throw new Refusal(`stripe.${word ?? `status_${response.status}`}`,
    `${typeof error["message"] === "string" ? error["message"] : "Stripe refused the request"}${declined}`);
}
