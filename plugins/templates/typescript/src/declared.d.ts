// Written by `veroforge plugin typegen` from plugin.json.
import type { Data } from "@veroforge/sdk";

declare module "@veroforge/sdk" {
  interface Declared {
    read: { customers: Data };
    write: {};
    workflows: never;
    hosts: never;
    secrets: never;
    config: {
      greeting: string;
    };
  }
}
