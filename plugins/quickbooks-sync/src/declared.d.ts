// Written by `veroforge plugin typegen` from plugin.json.
import type { Data } from "@veroforge/sdk";

declare module "@veroforge/sdk" {
  interface Declared {
    read: { customers: Data; invoices: Data; payments: Data };
    write: { customers: Data; invoices: Data; payments: Data };
    workflows: "notify-team";
    hosts: "oauth.platform.intuit.com" | "quickbooks.api.intuit.com" | "sandbox-quickbooks.api.intuit.com";
    secrets: "QUICKBOOKS" | "QUICKBOOKS_VERIFIER";
    config: {
      companyId: string;
      conflict: "quickbooks" | "application" | "ask";
      itemId: string;
      sandbox: boolean;
    };
  }
}
