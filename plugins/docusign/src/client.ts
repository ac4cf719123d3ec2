import type { FetchResponse, PluginContext } from "@veroforge/sdk";
import { objectOf, Refusal, retrying } from "@veroforge/kit";

export type DocuSignObject = { [name: string]: any };

const waitMsMax = 4000;

/** The account's part of the address. */
function path(context: PluginContext, rest: string): `/restapi/v2/accounts/${string}` {
  const { accountId } = context.config;
  if (accountId === undefined) throw new Refusal("not-configured", "set the account id");
  return `/restapi/v2/accounts/${accountId}/${rest}`;
}

/** Reads; repeated while DocuSign is down. */
export async function get(context: PluginContext, rest: string): Promise<DocuSignObject> {
  return read(await retrying({ attempts: 3, waitMsMax, idempotent: true }, () =>
    context.fetch(`https://${context.config.server}.docusign.net${path(context, rest)}`, {
      headers: { accept: "application/json" }, auth: { oauth: "DOCUSIGN" },
    })));
}

/** A signed document's bytes. */
export async function getBytes(context: PluginContext, rest: string): Promise<Uint8Array> {
  const response = await retrying({ attempts: 3, waitMsMax, idempotent: true }, () =>
    context.fetch(`https://${context.config.server}.docusign.net${path(context, rest)}`, {
      headers: { accept: "application/pdf" }, auth: { oauth: "DOCUSIGN" },
    }));
  if (!response.ok) await read(response);
  return response.bytes();
}

/** Creates or changes; sent again only after an answer that says that nothing was done. */
export async function send(
  context: PluginContext, method: "POST" | "PUT", rest: string, body: object,
): Promise<DocuSignObject> {
  return read(await retrying({ attempts: 3, waitMsMax, idempotent: false }, () =>
    context.fetch(`https://${context.config.server}.docusign.net${path(context, rest)}`, {
      method,
      headers: { "accept": "application/json", "content-type": "application/json" },
      body: JSON.stringify(body),
      auth: { oauth: "DOCUSIGN" },
    })));
}

async function read(response: FetchResponse): Promise<DocuSignObject> {
  if (response.status === 401) {
    throw new Refusal("docusign.unauthorized", "DocuSign does not accept the grant: connect the account anew");
  }
  if (response.status === 429) throw new Refusal("docusign.too-many", "DocuSign asks for fewer requests; call again later");
  if (response.status >= 500) {
    throw new Refusal("docusign.unavailable", `DocuSign answered with status ${response.status}; the same call can be made again`);
  }
  const answer = await objectOf(response, "docusign");
  if (response.ok) return answer;
  const word: unknown = answer["errorCode"];
  const sentence: unknown = answer["message"];
  throw new Refusal(`docusign.${typeof word === "string" && word !== "" ? word : response.status}`,
    typeof sentence === "string" && sentence !== "" ? sentence : "DocuSign refused the request");
}
