import type { Data, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { ok, Refusal } from "@veroforge/kit";
import { get, send } from "./client";
import { envelopeOf, remember, type Envelope } from "./envelopes";

interface Send { contractId: string; templateId?: string; embedded?: boolean; message?: string }

/**
 * Sends a contract once. The transaction id is kept before the envelope is made, so that a call that lost its answer
 * finds the envelope by it when it is made again.
 */
export async function sendContract(data: Send, context: PluginContext, _request: PluginRequest): Promise<PluginResponse> {
  const contract = await contractOf(data.contractId, context);
  const customer = await customerOf(contract, context);
  const known = await envelopeOf(data.contractId, context);
  const sent = known?.envelope ?? (known && await lost(known, context));
  if (sent !== undefined) {
    await note(data.contractId, sent, context, known);
    return ok({ envelope: sent, status: "sent", repeated: true });
  }

  const record: Envelope = known ?? { transaction: crypto.randomUUID(), embedded: data.embedded === true };
  await remember(data.contractId, record, context);
  const created = await send(context, "POST", "envelopes", {
    transactionId: record.transaction,
    status: "sent",
    templateId: data.templateId ?? context.config.templateId,
    emailSubject: `Please sign: ${String(contract["title"])}`.slice(0, 100),
    ...(data.message === undefined ? {} : { emailBlurb: data.message }),
    templateRoles: [{
      roleName: context.config.roleName, name: customer.name, email: customer.email,
      ...(record.embedded ? { clientUserId: customer.id } : {}),
    }],
    customFields: { textCustomFields: [{ name: "veroforge_contract", value: data.contractId, show: "false" }] },
  });
  const envelope = String(created["envelopeId"]);
  await note(data.contractId, envelope, context, record);
  return ok({ envelope, status: "sent", repeated: false });
}

export async function signingLink(
  data: { contractId: string; returnUrl: string }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const known = await envelopeOf(data.contractId, context);
  if (known?.envelope === undefined) throw new Refusal("not-sent", `${data.contractId} has not been sent`);
  if (!known.embedded) throw new Refusal("not-embedded", `${data.contractId} was sent by e-mail; send it with embedded to sign it here`);
  const customer = await customerOf(await contractOf(data.contractId, context), context);
  const view = await send(context, "POST", `envelopes/${known.envelope}/views/recipient`, {
    authenticationMethod: "none", clientUserId: customer.id, email: customer.email, userName: customer.name,
    returnUrl: data.returnUrl,
  });
  return ok({ url: String(view["url"]) });
}

export async function voidContract(
  data: { contractId: string; reason: string }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const known = await envelopeOf(data.contractId, context);
  if (known?.envelope === undefined) throw new Refusal("not-sent", `${data.contractId} has not been sent`);
  await send(context, "PUT", `envelopes/${known.envelope}`, { status: "voided", voidedReason: data.reason });
  await context.api.writeData("contracts", { id: data.contractId, status: "voided" });
  return ok({ envelope: known.envelope, status: "voided" });
}

/** The envelope of a transaction whose answer was lost. */
async function lost(known: Envelope, context: PluginContext): Promise<string | undefined> {
  const found = await get(context, `envelopes?transaction_ids=${encodeURIComponent(known.transaction)}`);
  const entry = [...(found["envelopeTransactionStatuses"] ?? []), ...(found["envelopes"] ?? [])]
    .find((candidate: { envelopeId?: unknown }) => typeof candidate.envelopeId === "string");
  return entry?.envelopeId;
}

async function note(
  contractId: string, envelope: string, context: PluginContext, known: Envelope | undefined,
): Promise<void> {
  if (known?.envelope === undefined) {
    await remember(contractId, { transaction: known?.transaction ?? "", embedded: known?.embedded === true, envelope }, context);
    await context.api.writeData("contracts", { id: contractId, status: "sent", externalId: envelope });
  }
}

async function contractOf(id: string, context: PluginContext): Promise<Data> {
  const [contract] = await context.api.readData("contracts", [{ field: "id", op: "eq", value: id }]);
  if (contract === undefined) throw new Refusal("notFound", `no contract ${id}`);
  if (contract["status"] === "signed") throw new Refusal("already-signed", `${id} is signed`);
  return contract;
}

async function customerOf(contract: Data, context: PluginContext): Promise<{ id: string; name: string; email: string }> {
  const id = String(contract["customer"]);
  const [customer] = await context.api.readData("customers", [{ field: "id", op: "eq", value: id }]);
  const { name, email } = customer ?? {};
  if (typeof name !== "string" || typeof email !== "string" || !email.includes("@")) {
    throw new Refusal("no-address", `the customer of ${contract.id} has no name or e-mail address`);
  }
  return { id, name, email };
}
