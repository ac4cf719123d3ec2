import type { PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { ok, Refusal } from "@veroforge/kit";
import { post, requestIdFor } from "./client";
import { ensureCustomer } from "./customers";
import { toQuickBooks } from "./money";

export async function pushInvoice(
  data: { invoiceId: string }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  return ok(await ensureInvoice(data.invoiceId, context));
}

export async function pushPayment(
  data: { paymentId: string }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const known = await context.storage.get<string>(`payment/${data.paymentId}`);
  if (typeof known === "string") return ok({ quickbooksId: known, repeated: true });
  const [payment] = await context.api.readData("payments", [{ field: "id", op: "eq", value: data.paymentId }]);
  if (payment === undefined) throw new Refusal("notFound", `no payment ${data.paymentId}`);
  const invoiceId = String(payment["invoice"]);
  const { quickbooksId: invoice, customer } = await ensureInvoice(invoiceId, context);
  const currency = String(payment["currency"]);
  const amount = toQuickBooks(payment["amount"], currency);
  const created = await post(context, "payment", {
    CustomerRef: { value: customer },
    CurrencyRef: { value: currency },
    TotalAmt: amount,
    TxnDate: String(payment["receivedAt"]).slice(0, 10),
    PaymentRefNum: data.paymentId.slice(0, 21),
    Line: [{ Amount: amount, LinkedTxn: [{ TxnId: invoice, TxnType: "Invoice" }] }],
  }, requestIdFor("payment", data.paymentId));
  const id = String(created["Payment"]?.Id);
  await context.storage.set(`payment/${data.paymentId}`, id);
  await context.storage.set(`quickbooks-payment/${id}`, data.paymentId);
  return ok({ quickbooksId: id, repeated: false });
}

/** The invoice's id in QuickBooks, created with its customer where it is not there. */
async function ensureInvoice(
  invoiceId: string, context: PluginContext,
): Promise<{ quickbooksId: string; repeated: boolean; customer: string }> {
  const [invoice] = await context.api.readData("invoices", [{ field: "id", op: "eq", value: invoiceId }]);
  if (invoice === undefined) throw new Refusal("notFound", `no invoice ${invoiceId}`);
  if (invoice["status"] === "draft") throw new Refusal("draft", `${invoiceId} is a draft: bring it over when it is issued`);
  const { id: customer } = await ensureCustomer(String(invoice["customer"]), context);
  const known = await context.storage.get<string>(`invoice/${invoiceId}`);
  if (typeof known === "string") return { quickbooksId: known, repeated: true, customer };
  const currency = String(invoice["currency"]);
  const created = await post(context, "invoice", {
    CustomerRef: { value: customer },
    CurrencyRef: { value: currency },
    DocNumber: String(invoice["number"] ?? invoiceId).slice(0, 21),
    TxnDate: String(invoice["issuedAt"]).slice(0, 10),
    DueDate: String(invoice["dueAt"]).slice(0, 10),
    PrivateNote: `Invoice ${invoiceId}`,
    Line: [{
      Amount: toQuickBooks(invoice["total"], currency),
      Description: `Order ${String(invoice["order"] ?? "")}`.trim(),
      DetailType: "SalesItemLineDetail",
      SalesItemLineDetail: { ItemRef: { value: context.config.itemId } },
    }],
  }, requestIdFor("invoice", invoiceId));
  const id = String(created["Invoice"]?.Id);
  await context.storage.set(`invoice/${invoiceId}`, id);
  await context.storage.set(`quickbooks-invoice/${id}`, invoiceId);
  await context.api.writeData("invoices", { id: invoiceId, externalId: id });
  return { quickbooksId: id, repeated: false, customer };
}
