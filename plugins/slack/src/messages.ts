import type { Data, PluginContext, PluginResponse } from "@veroforge/sdk";
import { fail, ok } from "@veroforge/kit";
import { escape, orderBlocks, summary, type OrderEvent } from "./blocks";
import { lookUpByEmail, post, SlackRefusal } from "./client";
import { once } from "./once";
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
    const sent = await once(context, data.idempotencyKey, async () =>
      post(context, "chat.postMessage", {
        channel,
        text: summary(data.event, order),
        blocks: JSON.stringify(orderBlocks(data.event, order, customer, context.config.showTotals)),
        unfurl_links: false,
      }));
    return ok(sent);
  });
}

/** Posts a text; without a channel, to the default one. */
export async function sendMessage(data: SendMessage, context: PluginContext): Promise<PluginResponse> {
  return refusable(async () => {
    const sent = await once(context, data.idempotencyKey, async () =>
      post(context, "chat.postMessage", {
        channel: data.channel ?? context.config.defaultChannel,
        text: escape(data.text),
        thread_ts: data.threadTs,
      }));
    return ok(sent);
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

async function refusable(action: () => Promise<PluginResponse>): Promise<PluginResponse> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof SlackRefusal) return fail(`slack.${error.word}`, error.message);
    throw error;
  }
}
