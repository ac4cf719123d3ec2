import type { HookDelivery, PluginContext, PluginResponse } from "@veroforge/sdk";
import { fail, isNear, isOperationError, ok, parseForm } from "@veroforge/kit";
import { escape } from "./blocks";

interface Start { order: string; requestedBy: string }

const commands: { readonly [command: string]: (context: PluginContext, data: Start) => Promise<void> } = {
  "/dispatch": (context, data) => context.api.triggerWorkflow("dispatch-technician", data),
  "/close-order": (context, data) => context.api.triggerWorkflow("close-order", data),
};

/** Slack's own limit for the age of a request: an older one may be a replay. */
const ageSecondsMax = 300;

/**
 * Answers a slash command. What the person in Slack is to read is a success even when it says no: Slack shows
 * the text only of an answer with status 200. Only a forged or stale request is refused.
 */
export async function slashCommand(data: HookDelivery, context: PluginContext): Promise<PluginResponse> {
  if (!(await isFromSlack(data, context))) return fail("denied", "the request is not signed by Slack");
  const form = parseForm(data.body);
  const command = form["command"] ?? "";
  const start = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (start === undefined) return privately(`I do not know the command ${command}.`);
  const orderId = (form["text"] ?? "").trim().split(/\s+/)[0] ?? "";
  if (orderId === "") return privately(`Write the order's number after the command: ${command} ord-00042`);

  const [order] = await context.api.readData("orders", [{ field: "id", op: "eq", value: orderId }]);
  if (order === undefined) return privately(`There is no order ${orderId}.`);
  try {
    await start(context, { order: orderId, requestedBy: form["user_name"] ?? "" });
  } catch (error) {
    if (!isOperationError(error)) throw error;
    context.logger.warn("workflow refused", { command, code: error.code });
    return privately(`The application did not do ${command}: ${error.message}`);
  }
  const person = form["user_id"] === undefined ? "Someone" : `<@${escape(form["user_id"])}>`;
  return ok({ response_type: "in_channel", text: `${person} used ${command} for ${escape(orderId)}.` });
}

function privately(text: string): PluginResponse {
  return ok({ response_type: "ephemeral", text: escape(text) });
}

/** `v0=` and the HMAC of `v0:<time>:<body>`; the time must be near. */
async function isFromSlack(delivery: HookDelivery, context: PluginContext): Promise<boolean> {
  const time = delivery.headers["x-slack-request-timestamp"] ?? "";
  const signature = delivery.headers["x-slack-signature"] ?? "";
  if (!isNear(time, ageSecondsMax) || !/^v0=[0-9a-f]{64}$/.test(signature)) return false;
  return context.crypto.verifyHmac(
    "SLACK_SIGNING_SECRET", "sha256", `v0:${time}:${delivery.body}`, signature.slice(3));
}
