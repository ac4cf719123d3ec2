import type { PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { fail, ok } from "@veroforge/kit";
import { post } from "./client";
import { ensureCustomer } from "./customers";
import { toStripe } from "./money";

/**
 * Three steps in Stripe: a draft, its line, the finalization. Each has a key made of the invoice's own id, so a call
 * that broke off in the middle is continued by calling again.
 */
export async function sendInvoice(
  data: { invoiceId: string }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const [invoice] = await context.api.readData("invoices", [{ field: "id", op: "eq", value: data.invoiceId }]);
  if (invoice === undefined) return fail("notFound", `no invoice ${data.invoiceId}`);
  if (invoice["status"] === "paid") return fail("already-paid", `${data.invoiceId} is paid`);
  const currency = String(invoice["currency"] ?? "");
  const amount = toStripe(String(invoice["balance"] ?? invoice["total"]), currency);
  if (amount <= 0) return fail("invalid", `${data.invoiceId} has nothing left to pay`);

  const { stripeCustomer } = await ensureCustomer(String(invoice["customer"]), context);
  const draft = await post(context, "invoices", {
    customer: stripeCustomer, collection_method: "send_invoice", days_until_due: context.config.daysUntilDue,
    currency: currency.toLowerCase(), pending_invoice_items_behavior: "exclude", auto_advance: true,
    metadata: { veroforge_invoice: data.invoiceId },
  }, `vf-invoice-${data.invoiceId}`);
  await post(context, "invoiceitems", {
    customer: stripeCustomer, invoice: String(draft["id"]), amount, currency: currency.toLowerCase(),
    description: `Invoice ${String(invoice["number"] ?? data.invoiceId)}`,
  }, `vf-invoice-line-${data.invoiceId}`);
  const final = await post(context, `invoices/${draft["id"]}/finalize`, {}, `vf-invoice-final-${data.invoiceId}`);

  await context.api.writeData("invoices", { id: data.invoiceId, externalId: String(final["id"]) });
  const url: unknown = final["hosted_invoice_url"];
  return ok({
    stripeInvoice: String(final["id"]), status: String(final["status"]), ...(typeof url === "string" ? { url } : {}),
  });
}
