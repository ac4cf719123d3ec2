// Written by `veroforge plugin typegen` from plugin.json.
import type { Data } from "@veroforge/sdk";

declare module "@veroforge/sdk" {
  interface Declared {
    read: { customers: Data; orders: Data };
    write: {};
    workflows: "close-order" | "dispatch-technician";
    hosts: "slack.com";
    secrets: "SLACK_BOT_TOKEN" | "SLACK_SIGNING_SECRET";
    config: {
      defaultChannel: string;
      routes: { channel: string; city?: string; event?: "created" | "scheduled" | "completed" | "cancelled" | "urgent"; priority?: "low" | "normal" | "urgent" }[];
      showTotals: boolean;
    };
  }
}
