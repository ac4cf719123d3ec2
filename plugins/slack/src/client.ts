import type { FetchResponse, PluginContext } from "@veroforge/sdk";
import { formEncode, objectOf, Refusal, retrying, type FormFields } from "@veroforge/kit";

/** What the plugin reads of Slack's answers. */
export interface SlackAnswer {
  ok: boolean;
  error?: string;
  channel?: string;
  ts?: string;
  user?: { id: string };
}

const waitMsMax = 2000;

/**
 * Calls a method that changes something. Slack knows no idempotency key for messages, so only an answer that says
 * that nothing was done (429) is followed by a second try.
 */
export async function post(
  context: PluginContext, method: "chat.postMessage" | "chat.update", fields: FormFields,
): Promise<SlackAnswer> {
  const response = await retrying({ attempts: 3, waitMsMax, idempotent: false }, () =>
    context.fetch(`https://slack.com/api/${method}`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
      body: formEncode(fields),
      auth: { bearer: "SLACK_BOT_TOKEN" },
    }));
  return read(response, method);
}

/** Finds the person with an e-mail address. A read: repeated after a server error as well. */
export async function lookUpByEmail(context: PluginContext, email: string): Promise<string> {
  const response = await retrying({ attempts: 3, waitMsMax, idempotent: true }, () =>
    context.fetch(`https://slack.com/api/users.lookupByEmail?${formEncode({ email })}`, {
      auth: { bearer: "SLACK_BOT_TOKEN" },
    }));
  const answer = await read(response, "users.lookupByEmail");
  if (typeof answer.user?.id !== "string") throw refusal("unexpected-answer", "Slack named no user");
  return answer.user.id;
}

/** Slack answers refusals with status 200 and `ok: false`, and its own word for them. */
async function read(response: FetchResponse, method: string): Promise<SlackAnswer> {
  if (response.status === 429) {
    const seconds = response.headers["retry-after"] ?? "some";
    throw refusal("ratelimited", `Slack asks to wait ${seconds} seconds before the next ${method}`);
  }
  if (!response.ok) throw refusal("unavailable", `Slack answered ${method} with status ${response.status}`);
  const answer = await objectOf(response, "slack");
  if (answer["ok"] !== true) {
    const error: unknown = answer["error"];
    const word = typeof error === "string" && error !== "" ? error : "unexpected-answer";
    throw refusal(word, advice[word] ?? `Slack refused ${method}`);
  }
  return answer as SlackAnswer;
}

function refusal(word: string, sentence: string): Refusal {
  return new Refusal(`slack.${word}`, sentence);
}

const advice: { readonly [word: string]: string } = {
  account_inactive: "the bot token belongs to a removed app or workspace: set SLACK_BOT_TOKEN anew",
  channel_not_found: "the channel does not exist, or the bot cannot see it: check the name and invite the bot",
  invalid_auth: "Slack does not accept the bot token: set SLACK_BOT_TOKEN anew",
  is_archived: "the channel is archived",
  message_not_found: "there is no such message in the channel",
  missing_scope: "the bot lacks a scope: give it chat:write and users:read.email",
  not_in_channel: "the bot is not in the channel: invite it",
  token_revoked: "the bot token was revoked: set SLACK_BOT_TOKEN anew",
  users_not_found: "nobody in the workspace has this e-mail address",
};
