import type { HookDelivery, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { fail, ok } from "@veroforge/kit";
import { get, type QuickBooksObject } from "./client";
import { customerOf, faceOf, fromQuickBooks as customerFields, keep, linkOf, overwrite } from "./customers";
import { fromQuickBooks as amountOf } from "./money";

interface Pulled { customers: number; invoices: number; payments: number; conflicts: string[]; until: string }

/** QuickBooks tells changes of the last 30 days. */
const daysBackMax = 30;
const dayMs = 86_400_000;

export async function pull(data: { since?: string }, context: PluginContext, _request: PluginRequest): Promise<PluginResponse> {
  return ok(await pullSince(data.since, context));
}

/** An event says only that something has changed; what, is asked of QuickBooks itself. */
export async function quickbooksEvent(
  data: HookDelivery, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const signature = data.headers["intuit-signature"] ?? "";
  const isSigned = /^[A-Za-z0-9+/]{43}=$/.test(signature)
    && await context.crypto.verifyHmac("QUICKBOOKS_VERIFIER", "sha256", data.body, signature, "base64");
  if (!isSigned) return fail("denied", "the event is not signed by Intuit");
  const { payments } = await pullSince(undefined, context);
  return ok({ handled: true, payments });
}

/** Brings over what has changed, then moves the mark: what broke off is brought over the next time. */
async function pullSince(asked: string | undefined, context: PluginContext): Promise<Pulled> {
  const now = Date.now();
  const mark = asked ?? await context.storage.get<string>("pulled-until");
  const oldest = now - daysBackMax * dayMs;
  const since = new Date(Math.max(mark === undefined ? now - dayMs : Date.parse(mark), oldest)).toISOString();
  const changes = await get(context, "cdc", { entities: "Customer,Invoice,Payment", changedSince: since });
  const records = (entity: string): QuickBooksObject[] =>
    (changes["CDCResponse"] ?? []).flatMap((response: QuickBooksObject) =>
      (response["QueryResponse"] ?? []).flatMap((part: QuickBooksObject) => part[entity] ?? []))
      .filter((record: QuickBooksObject) => record["status"] !== "Deleted");

  const pulled: Pulled = { customers: 0, invoices: 0, payments: 0, conflicts: [], until: new Date(now).toISOString() };
  for (const record of records("Customer")) await takeCustomer(record, pulled, context);
  for (const record of records("Payment")) pulled.payments += await takePayment(record, context);
  for (const record of records("Invoice")) pulled.invoices += await takeInvoice(record, context);
  await context.storage.set("pulled-until", pulled.until);
  return pulled;
}

/**
 * A customer that was changed on one side is brought to the other. Changed on both, the customer's rule decides; "ask"
 * leaves both as they are and tells the team.
 */
async function takeCustomer(record: QuickBooksObject, pulled: Pulled, context: PluginContext): Promise<void> {
  const id = String(record["Id"]);
  const customerId = await customerOf(id, context);
  const link = customerId === undefined ? undefined : await linkOf(customerId, context);
  if (customerId === undefined || link === undefined) return;
  const [customer] = await context.api.readData("customers", [{ field: "id", op: "eq", value: customerId }]);
  if (customer === undefined) return;
  const theirs = customerFields(record);
  const changedThere = faceOf(theirs) !== link.face;
  const changedHere = faceOf(customer) !== link.face;
  if (!changedThere) return;
  if (changedHere && faceOf(theirs) !== faceOf(customer)) {
    pulled.conflicts.push(customerId);
    if (context.config.conflict === "ask") {
      await context.api.triggerWorkflow("notify-team", {
        topic: "accounting", text: `${customer["name"]} (${customerId}) was changed here and in QuickBooks: choose which one counts.`,
      });
      return;
    }
    if (context.config.conflict === "application") {
      await overwrite(customer, id, context);
      return;
    }
  }
  if (faceOf(theirs) !== faceOf(customer)) {
    await context.api.writeData("customers", { id: customerId, ...theirs });
    pulled.customers += 1;
  }
  await keep(customerId, { id, face: faceOf(theirs) }, context);
}

/** Books the parts of a payment that pay invoices of ours; answers how many were booked. */
async function takePayment(record: QuickBooksObject, context: PluginContext): Promise<number> {
  const id = String(record["Id"]);
  if (await isOurs(id, record, context)) return 0;
  let booked = 0;
  for (const line of record["Line"] ?? []) {
    const invoice = (line["LinkedTxn"] ?? []).find((linked: QuickBooksObject) => linked["TxnType"] === "Invoice");
    const invoiceId = invoice && await context.storage.get<string>(`quickbooks-invoice/${invoice["TxnId"]}`);
    if (typeof invoiceId !== "string") continue;
    const externalId = `${id}/${invoice["TxnId"]}`;
    const present = await context.api.readData("payments", [{ field: "externalId", op: "eq", value: externalId }]);
    if (present.length > 0) continue;
    const currency = String(record["CurrencyRef"]?.value ?? "USD");
    await context.api.writeData("payments", {
      invoice: invoiceId, amount: amountOf(line["Amount"], currency), currency, method: "quickbooks", externalId,
      receivedAt: `${String(record["TxnDate"])}T00:00:00Z`,
    });
    booked += 1;
  }
  return booked;
}

/** Whether the payment came from the application, even if the call that brought it over broke off. */
async function isOurs(id: string, record: QuickBooksObject, context: PluginContext): Promise<boolean> {
  if (await context.storage.get<string>(`quickbooks-payment/${id}`) !== undefined) return true;
  const reference: unknown = record["PaymentRefNum"];
  if (typeof reference !== "string" || reference === "") return false;
  const ours = await context.api.readData("payments", [{ field: "id", op: "eq", value: reference }]);
  return ours.length > 0;
}

/** Marks an invoice of ours as paid when nothing is left to pay; answers 1 if it was changed. */
async function takeInvoice(record: QuickBooksObject, context: PluginContext): Promise<number> {
  const invoiceId = await context.storage.get<string>(`quickbooks-invoice/${String(record["Id"])}`);
  if (typeof invoiceId !== "string" || Number(record["Balance"]) !== 0) return 0;
  const [invoice] = await context.api.readData("invoices", [{ field: "id", op: "eq", value: invoiceId }]);
  if (invoice === undefined || invoice["status"] === "paid") return 0;
  await context.api.writeData("invoices", {
    id: invoiceId, status: "paid", balance: amountOf(0, String(invoice["currency"] ?? "USD")),
  });
  return 1;
}
