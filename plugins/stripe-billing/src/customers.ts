import type { PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { ok, Refusal } from "@veroforge/kit";
import { post } from "./client";

/** Creates the customer in Stripe, once. */
export async function createCustomer(
  data: { customerId: string }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  return ok(await ensureCustomer(data.customerId, context));
}

/**
 * The customer's id in Stripe; the customer is created where there is none. The idempotency key is the customer's
 * own id, so two calls at the same time make one customer.
 */
export async function ensureCustomer(
  customerId: string, context: PluginContext,
): Promise<{ stripeCustomer: string; created: boolean }> {
  const known = await context.storage.get<string>(`customer/${customerId}`);
  if (typeof known === "string") return { stripeCustomer: known, created: false };
  const [customer] = await context.api.readData("customers", [{ field: "id", op: "eq", value: customerId }]);
  if (customer === undefined) throw new Refusal("notFound", `no customer ${customerId}`);
  const created = await post(context, "customers", {
    name: text(customer["name"]), email: text(customer["email"]), phone: text(customer["phone"]),
    metadata: { veroforge_customer: customerId },
  }, `vf-customer-${customerId}`);
  const stripeCustomer = String(created["id"]);
  await context.storage.set(`customer/${customerId}`, stripeCustomer);
  return { stripeCustomer, created: true };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
