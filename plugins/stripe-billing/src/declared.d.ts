// Written by `veroforge plugin typegen` from plugin.json.
import type { Data } from "@veroforge/sdk";

declare module "@veroforge/sdk" {
  interface Declared {
    read: { customers: Data; invoices: Data; payments: Data };
    write: { invoices: Data; payments: Data };
    workflows: "notify-team";
    hosts: "api.stripe.com";
    secrets: "STRIPE_SECRET_KEY" | "STRIPE_WEBHOOK_SECRET";
    config: {
      daysUntilDue: number;
      notifyOnFailure: boolean;
    };
  }
}
