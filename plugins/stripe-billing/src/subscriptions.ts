import type { PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { ok, Refusal } from "@veroforge/kit";
import { get, keyFor, post, remove, type StripeObject } from "./client";
import { ensureCustomer } from "./customers";

interface Create { customerId: string; price: string; quantity?: number; trialDays?: number; idempotencyKey?: string }
interface Change { subscription: string; price: string; quantity?: number; proration?: string; idempotencyKey?: string }
interface Cancel { subscription: string; atPeriodEnd?: boolean }

export async function createSubscription(
  data: Create, context: PluginContext, request: PluginRequest,
): Promise<PluginResponse> {
  const { stripeCustomer } = await ensureCustomer(data.customerId, context);
  const created = await post(context, "subscriptions", {
    customer: stripeCustomer,
    items: [{ ...priceField(data.price), quantity: data.quantity ?? 1 }],
    trial_period_days: data.trialDays,
    metadata: { veroforge_customer: data.customerId },
  }, keyFor(request, "subscribe", data.idempotencyKey));
  return ok(described(created));
}

/** Replaces the price of the subscription's one item; what has several items is left to Stripe's own pages. */
export async function changePlan(
  data: Change, context: PluginContext, request: PluginRequest,
): Promise<PluginResponse> {
  const current = await get(context, `subscriptions/${data.subscription}`);
  const items: StripeObject[] = current["items"]?.data ?? [];
  if (items.length !== 1) {
    throw new Refusal("unsupported", `${data.subscription} has ${items.length} items; change it in Stripe itself`);
  }
  const changed = await post(context, `subscriptions/${data.subscription}`, {
    items: [{ id: items[0]?.["id"], ...priceField(data.price), quantity: data.quantity ?? items[0]?.["quantity"] }],
    proration_behavior: data.proration,
  }, keyFor(request, "change", data.idempotencyKey));
  return ok(described(changed));
}

export async function cancelSubscription(data: Cancel, context: PluginContext, request: PluginRequest): Promise<PluginResponse> {
  const ended = data.atPeriodEnd === false
    ? await remove(context, `subscriptions/${data.subscription}`)
    : await post(context, `subscriptions/${data.subscription}`, { cancel_at_period_end: true }, keyFor(request, "cancel"));
  return ok(described(ended));
}

/** Older accounts have plans; whatever is not named like a price is one. */
function priceField(id: string): { price: string } | { plan: string } {
  return id.startsWith("price_") ? { price: id } : { plan: id };
}

function described(subscription: StripeObject): object {
  const item: StripeObject = subscription["items"]?.data?.[0] ?? {};
  return {
    subscription: String(subscription["id"]),
    status: String(subscription["status"]),
    price: String(item["price"]?.id ?? item["plan"]?.id ?? ""),
    quantity: Number(item["quantity"] ?? 1),
    endsAtPeriodEnd: subscription["cancel_at_period_end"] === true,
  };
}
