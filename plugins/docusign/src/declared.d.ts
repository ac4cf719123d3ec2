// Written by `veroforge plugin typegen` from plugin.json.
import type { Data } from "@veroforge/sdk";

declare module "@veroforge/sdk" {
  interface Declared {
    read: { contracts: Data; customers: Data; documents: Data };
    write: { contracts: Data; documents: Data };
    workflows: "notify-team";
    hosts: "account-d.docusign.com" | "account.docusign.com" | `${string}.docusign.net`;
    secrets: "DOCUSIGN" | "DOCUSIGN_CONNECT_KEY";
    config: {
      accountId: string;
      notify: boolean;
      roleName: string;
      server: "demo" | "www" | "na2" | "na3" | "na4" | "eu" | "au" | "ca";
      templateId: string;
    };
  }
}
