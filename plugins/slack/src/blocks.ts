import type { Data } from "@veroforge/sdk";

export type OrderEvent = "created" | "scheduled" | "completed" | "cancelled" | "urgent";

const headlines: { readonly [event in OrderEvent]: string } = {
  created: "New order",
  scheduled: "Order scheduled",
  completed: "Order completed",
  cancelled: "Order cancelled",
  urgent: "Urgent order",
};

/** The three characters that Slack reads as markup, as it wants them written. */
export function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** The plain text of a message, for notifications and for screen readers. */
export function summary(event: OrderEvent, order: Data): string {
  return `${headlines[event]}: ${escape(text(order["title"]) || "without a title")} (${escape(String(order.id))})`;
}

/** The message as Slack's blocks: a headline, two columns of facts, where the facts come from. */
export function orderBlocks(event: OrderEvent, order: Data, customer: Data | undefined, showTotal: boolean): object[] {
  const facts: [string, string][] = [
    ["Order", text(order.id)],
    ["Customer", text(customer?.["name"]) || "unknown"],
    ["Status", text(order["status"])],
    ["Priority", text(order["priority"])],
    ["Scheduled", day(order["scheduledFor"])],
    ["City", text(customer?.["city"])],
  ];
  if (showTotal) facts.push(["Total", `${text(order["currency"])} ${text(order["total"])}`.trim()]);
  return [
    { type: "header", text: { type: "plain_text", text: cut(headlines[event], 150) } },
    { type: "section", text: { type: "mrkdwn", text: `*${cut(escape(text(order["title"])) || "Without a title", 2900)}*` } },
    {
      type: "section",
      fields: facts.filter(([, value]) => value !== "").map(([label, value]) => ({
        type: "mrkdwn", text: `*${label}*\n${cut(escape(value), 1900)}`,
      })),
    },
  ];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

/** The day of an RFC 3339 time. */
function day(value: unknown): string {
  return typeof value === "string" && /^\d{4}-\d{2}-\d{2}/.test(value) ? value.slice(0, 10) : "";
}

function cut(value: string, length: number): string {
  return value.length <= length ? value : value.slice(0, length - 1) + "…";
}
