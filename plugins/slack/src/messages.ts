import type { Data, PluginContext, PluginResponse } from "@veroforge/sdk";
import { fail, ok, once, Refusal, refusable, type FormFields } from "@veroforge/kit";
import { escape, orderBlocks, summary, type OrderEvent } from "./blocks";
import { lookUpByEmail, post } from "./client";
import { channelFor } from "./routes";

interface NotifyOrder { orderId: string; event: OrderEvent; channel?: string; idempotencyKey?: string }
interface SendMessage { text: string; channel?: string; threadTs?: string; idempotencyKey?: string }
interface MessagePerson { email: string; text: string }
interface UpdateMessage { channel: string; ts: string; text: string }

/** Reads the order and its customer, chooses the channel, posts. */
export async function notifyOrder(data: NotifyOrder, context: PluginContext): Promise<PluginResponse> {
  const [order] = await context.api.readData("orders", [{ field: "id", op: "eq", value: data.orderId }]);
  if (order === undefined) return fail("notFound", `no order ${data.orderId}`);
  const customer = await customerOf(order, context);
  const channel = data.channel ?? channelFor(data.event, order, customer, context.config);
  return refusable(async () => {
    const blocks = orderBlocks(data.event, order, customer, context.config.showTotals);
    return postOnce(context, data.idempotencyKey, {
      channel, text: summary(data.event, order), blocks: JSON.stringify(blocks), unfurl_links: false,
    });
  });
}

/** Posts a text; without a channel, to the default one. */
export async function sendMessage(data: SendMessage, context: PluginContext): Promise<PluginResponse> {
  return refusable(async () => {
    return postOnce(context, data.idempotencyKey, {
      channel: data.channel ?? context.config.defaultChannel, text: escape(data.text), thread_ts: data.threadTs,
    });
  });
}

/** A direct message goes to the user's id: Slack opens the conversation by itself. */
export async function messagePerson(data: MessagePerson, context: PluginContext): Promise<PluginResponse> {
  return refusable(async () => {
    const user = await lookUpByEmail(context, data.email);
    const answer = await post(context, "chat.postMessage", { channel: user, text: escape(data.text) });
    return ok({ user, channel: answer.channel ?? user, ts: answer.ts ?? "" });
  });
}

export async function updateMessage(data: UpdateMessage, context: PluginContext): Promise<PluginResponse> {
  return refusable(async () => {
    const answer = await post(context, "chat.update", {
      channel: data.channel, ts: data.ts, text: escape(data.text),
    });
    return ok({ channel: answer.channel ?? data.channel, ts: answer.ts ?? data.ts });
  });
}

async function customerOf(order: Data, context: PluginContext): Promise<Data | undefined> {
  const id = order["customer"];
  if (typeof id !== "string") return undefined;
  const [customer] = await context.api.readData("customers", [{ field: "id", op: "eq", value: id }]);
  return customer;
}

/** Posts, unless a call with the same key has posted already; the last 200 keys are remembered. */
async function postOnce(
  context: PluginContext, key: string | undefined, fields: FormFields,
): Promise<PluginResponse> {
  const { value, repeated } = await once(context, "sent", key, 200, async () => {
    const { channel, ts } = await post(context, "chat.postMessage", fields);
    if (typeof channel !== "string" || typeof ts !== "string") {
      throw new Refusal("slack.unexpected-answer", "Slack did not say where the message is");
    }
    return { channel, ts };
  });
  return ok({ ...value, repeated });
}
