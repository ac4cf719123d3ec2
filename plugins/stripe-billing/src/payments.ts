import type { PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { ok, Refusal } from "@veroforge/kit";
import { keyFor, post } from "./client";
import { fromStripe, toStripe } from "./money";

interface Link { price: string; quantity?: number; orderId?: string; idempotencyKey?: string }
interface Refund { payment: string; amount?: string; currency?: string; reason?: string; idempotencyKey?: string }

export async function paymentLink(data: Link, context: PluginContext, request: PluginRequest): Promise<PluginResponse> {
  const link = await post(context, "payment_links", {
    line_items: [{ price: data.price, quantity: data.quantity ?? 1 }],
    metadata: data.orderId === undefined ? undefined : { veroforge_order: data.orderId },
  }, keyFor(request, "link", data.idempotencyKey));
  return ok({ link: String(link["id"]), url: String(link["url"]) });
}

export async function refund(data: Refund, context: PluginContext, request: PluginRequest): Promise<PluginResponse> {
  if (data.amount !== undefined && data.currency === undefined) {
    throw new Refusal("invalid", "an amount needs its currency");
  }
  const amount = data.amount === undefined ? undefined : toStripe(data.amount, data.currency ?? "");
  const refunded = await post(context, "refunds", {
    ...(data.payment.startsWith("pi_") ? { payment_intent: data.payment } : { charge: data.payment }),
    amount, reason: data.reason,
  }, keyFor(request, "refund", data.idempotencyKey));
  const currency = String(refunded["currency"]).toUpperCase();
  return ok({
    refund: String(refunded["id"]), status: String(refunded["status"]),
    amount: fromStripe(Number(refunded["amount"]), currency), currency,
  });
}
