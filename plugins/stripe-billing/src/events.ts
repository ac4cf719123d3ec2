import type { HookDelivery, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { fail, isNear, ok, once } from "@veroforge/kit";
import type { StripeObject } from "./client";
import { fromStripe } from "./money";

/** Stripe's own tolerance for the age of a delivery. */
const ageSecondsMax = 300;

/** Handles an event once; Stripe delivers at least once, and not in order. */
export async function stripeEvent(
  data: HookDelivery, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  if (!(await isFromStripe(data, context))) return fail("denied", "the event is not signed by Stripe");
  let event: StripeObject;
  try {
    event = JSON.parse(data.body) as StripeObject;
  } catch {
    return fail("invalid", "the event is no JSON");
  }
  const id = String(event["id"] ?? "");
  const object: StripeObject = event["data"]?.object ?? {};
  const { value, repeated } = await once(context, "events", id, 500, async () => ({
    event: id, handled: await handle(String(event["type"]), object, context),
  }));
  return ok(repeated ? { ...value, repeated } : value);
}

async function handle(type: string, object: StripeObject, context: PluginContext): Promise<boolean> {
  switch (type) {
    case "invoice.paid":
      await book(object, context);
      return true;
    case "invoice.payment_failed":
      await tell(`A payment of Stripe's invoice ${object["id"]} failed.`, context);
      return true;
    case "customer.subscription.deleted":
      await tell(`The subscription ${object["id"]} has ended.`, context);
      return true;
    default:
      return false;
  }
}

/**
 * Books a paid invoice: the payment first, then the invoice's state, each only where it is missing, so that a
 * delivery that broke off is completed by Stripe's next one. The amount is reported for the plan's percentage.
 */
async function book(object: StripeObject, context: PluginContext): Promise<void> {
  const currency = String(object["currency"]).toUpperCase();
  const amount = fromStripe(Number(object["amount_paid"]), currency);
  const invoiceId: unknown = object["metadata"]?.veroforge_invoice;
  if (typeof invoiceId === "string" && invoiceId !== "") {
    const externalId = String(object["id"]);
    const booked = await context.api.readData("payments", [{ field: "externalId", op: "eq", value: externalId }]);
    if (booked.length === 0) {
      await context.api.writeData("payments", {
        invoice: invoiceId, amount, currency, method: "card", externalId,
        receivedAt: new Date(Number(object["status_transitions"]?.paid_at ?? Date.now() / 1000) * 1000).toISOString(),
      });
    }
    const [invoice] = await context.api.readData("invoices", [{ field: "id", op: "eq", value: invoiceId }]);
    if (invoice !== undefined && invoice["status"] !== "paid") {
      await context.api.writeData("invoices", { id: invoiceId, status: "paid", balance: fromStripe(0, currency) });
    }
  }
  if (Number(object["amount_paid"]) > 0) await context.usage.report({ amount, currency });
}

async function tell(text: string, context: PluginContext): Promise<void> {
  if (context.config.notifyOnFailure) await context.api.triggerWorkflow("notify-team", { topic: "billing", text });
}

/** `t=<time>,v1=<HMAC of "<time>.<body>">`, with one `v1` for each secret while Stripe rotates them. */
async function isFromStripe(delivery: HookDelivery, context: PluginContext): Promise<boolean> {
  const parts = (delivery.headers["stripe-signature"] ?? "").split(",").map((part) => part.trim().split("="));
  const time = parts.find(([name]) => name === "t")?.[1];
  if (!isNear(time, ageSecondsMax)) return false;
  for (const [name, signature = ""] of parts) {
    if (name !== "v1" || !/^[0-9a-f]{64}$/.test(signature)) continue;
    if (await context.crypto.verifyHmac("STRIPE_WEBHOOK_SECRET", "sha256", `${time}.${delivery.body}`, signature)) {
      return true;
    }
  }
  return false;
}
