import type { PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { base64, ok, Refusal } from "@veroforge/kit";
import { get, getBytes } from "./client";
import { envelopeOf } from "./envelopes";

/** Larger documents are left in DocuSign: a record of the application is no place for them. */
const documentBytesMax = 4 * 1_048_576;

export async function contractStatus(
  data: { contractId: string }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const known = await envelopeOf(data.contractId, context);
  if (known?.envelope === undefined) throw new Refusal("not-sent", `${data.contractId} has not been sent`);
  return ok(await bringUpToDate(data.contractId, known.envelope, context));
}

/**
 * Asks DocuSign, and writes what has changed: the contract's state, and with "signed" the document, each only where
 * it is missing, so that what broke off is completed by the next time.
 */
export async function bringUpToDate(
  contractId: string, envelope: string, context: PluginContext,
): Promise<{ envelope: string; status: string; document: string | null }> {
  const status = stateOf(String((await get(context, `envelopes/${envelope}`))["status"]));
  const [contract] = await context.api.readData("contracts", [{ field: "id", op: "eq", value: contractId }]);
  if (contract === undefined) throw new Refusal("notFound", `no contract ${contractId}`);
  const document = status === "signed" ? await bringBack(contractId, envelope, String(contract["title"]), context) : null;
  if (contract["status"] !== status) {
    await context.api.writeData("contracts", { id: contractId, status });
    if (context.config.notify && (status === "signed" || status === "declined")) {
      await context.api.triggerWorkflow("notify-team", { topic: "contracts", text: `The contract ${contractId} was ${status}.` });
    }
  }
  return { envelope, status, document };
}

/** The signed document as a record of `documents`, once. */
async function bringBack(contractId: string, envelope: string, title: string, context: PluginContext): Promise<string | null> {
  const [present] = await context.api.readData("documents", [{ field: "externalId", op: "eq", value: envelope }]);
  if (present !== undefined) return String(present.id);
  const bytes = await getBytes(context, `envelopes/${envelope}/documents/combined`);
  if (bytes.length > documentBytesMax) {
    context.logger.warn("the signed document is too large to bring back", { contract: contractId, bytes: bytes.length });
    return null;
  }
  const written = await context.api.writeData("documents", {
    contract: contractId, externalId: envelope, name: `${title}.pdf`, contentType: "application/pdf", content: base64(bytes),
  });
  return String(written.id);
}

function stateOf(status: string): string {
  switch (status) {
    case "completed": return "signed";
    case "declined": case "voided": return status;
    default: return "sent";
  }
}
