import type { Data, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { fail, ok, once } from "@veroforge/kit";
import { create } from "./client";

interface Sms { to: string; text: string; idempotencyKey?: string }
interface Notify { orderId: string; event: "scheduled" | "on-the-way" | "completed"; idempotencyKey?: string }

const defaults: { readonly [event in Notify["event"]]: string } = {
  "scheduled": "Hello {name}, your appointment for “{title}” is on {day}. Order {order}.",
  "on-the-way": "Hello {name}, our technician is on the way to you for “{title}”. Order {order}.",
  "completed": "Hello {name}, “{title}” is done. Thank you! Order {order}.",
};

export async function sendSms(data: Sms, context: PluginContext, _request: PluginRequest): Promise<PluginResponse> {
  return text(data.to, data.text, data.idempotencyKey, context);
}

export async function notifyCustomer(
  data: Notify, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const [order] = await context.api.readData("orders", [{ field: "id", op: "eq", value: data.orderId }]);
  if (order === undefined) return fail("notFound", `no order ${data.orderId}`);
  const [customer] = await context.api.readData("customers", [{ field: "id", op: "eq", value: String(order["customer"]) }]);
  const phone: unknown = customer?.["phone"];
  if (typeof phone !== "string" || !/^\+[1-9][0-9]{6,14}$/.test(phone)) {
    return fail("no-number", `the customer of ${data.orderId} has no telephone number in the form +15550100001`);
  }
  const template = context.config.texts?.[data.event] ?? defaults[data.event];
  return text(phone, filled(template, order, customer), data.idempotencyKey, context);
}

/** Sends, unless a call with the same key has sent already; the last 500 keys are remembered. */
async function text(
  to: string, body: string, key: string | undefined, context: PluginContext,
): Promise<PluginResponse> {
  const { from, messagingService, hookAddress } = context.config;
  const { value, repeated } = await once(context, "sent", key, 500, async () => {
    const message = await create(context, "Messages", {
      To: to,
      ...(messagingService === undefined ? { From: from } : { MessagingServiceSid: messagingService }),
      Body: body,
      StatusCallback: hookAddress,
    });
    return { message: String(message["sid"]), status: String(message["status"]) };
  });
  return ok({ ...value, repeated });
}

function filled(template: string, order: Data, customer: Data | undefined): string {
  const values: { readonly [name: string]: string } = {
    name: String(customer?.["name"] ?? ""),
    order: String(order.id),
    title: String(order["title"] ?? ""),
    day: String(order["scheduledFor"] ?? "").slice(0, 10),
  };
  return template.replace(/\{(name|order|title|day)\}/g, (_, name: string) => values[name] ?? "");
}
