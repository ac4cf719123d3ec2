import type { FetchInit, FetchResponse, PluginContext } from "@veroforge/sdk";
import { objectOf, query, Refusal, retrying, type FormFields } from "@veroforge/kit";

export type QuickBooksObject = { [name: string]: any };

const policy = { attempts: 3, waitMsMax: 5000, idempotent: true };
/** The version of the fields that this plugin reads and writes. */
const minorVersion = 73;

export async function get(context: PluginContext, path: string, fields: FormFields = {}): Promise<QuickBooksObject> {
  return read(await retrying(policy, () =>
    request(context, `${path}${query({ ...fields, minorversion: minorVersion })}`, {
      headers: { accept: "application/json" }, auth: { oauth: "QUICKBOOKS" },
    })));
}

/**
 * Creates or changes. `requestId` is QuickBooks' idempotency key: a request with an id that it has seen is answered
 * like the first one and done once.
 */
export async function post(
  context: PluginContext, path: string, body: object, requestId: string,
): Promise<QuickBooksObject> {
  return read(await retrying(policy, () =>
    request(context, `${path}${query({ minorversion: minorVersion, requestid: requestId })}`, {
      method: "POST",
      headers: { "accept": "application/json", "content-type": "application/json" },
      body: JSON.stringify(body),
      auth: { oauth: "QUICKBOOKS" },
    })));
}

/** A request id of at most 50 characters from what identifies the work. */
export function requestIdFor(...parts: (string | number)[]): string {
  return `vf-${parts.join("-")}`.replace(/[^A-Za-z0-9-]/g, "_").slice(0, 50);
}

function request(context: PluginContext, path: string, init: FetchInit): Promise<FetchResponse> {
  const { companyId, sandbox } = context.config;
  if (companyId === undefined) throw new Refusal("not-configured", "set the company");
  return sandbox
    ? context.fetch(`https://sandbox-quickbooks.api.intuit.com/v3/company/${companyId}/${path}`, init)
    : context.fetch(`https://quickbooks.api.intuit.com/v3/company/${companyId}/${path}`, init);
}

async function read(response: FetchResponse): Promise<QuickBooksObject> {
  if (response.status === 401) {
    throw new Refusal("quickbooks.unauthorized", "QuickBooks does not accept the grant: connect the company anew");
  }
  if (response.status === 429) throw new Refusal("quickbooks.too-many", "QuickBooks asks for fewer requests; call again later");
  if (response.status >= 500) {
    throw new Refusal("quickbooks.unavailable", `QuickBooks answered with status ${response.status}; the same call can be made again`);
  }
  const answer = await objectOf(response, "quickbooks");
  const error: QuickBooksObject | undefined = answer["Fault"]?.Error?.[0];
  if (response.ok && error === undefined) return answer;
  const words = [error?.["Message"], error?.["Detail"]].filter((value) => typeof value === "string" && value !== "");
  throw new Refusal(`quickbooks.${error?.["code"] ?? response.status}`, words.join(" — ") || "QuickBooks refused the request");
}
