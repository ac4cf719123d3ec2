// Written by `veroforge plugin typegen` from plugin.json.
import type { Data } from "@veroforge/sdk";

declare module "@veroforge/sdk" {
  interface Declared {
    read: { customers: Data; orders: Data };
    write: {};
    workflows: "notify-team";
    hosts: "api.twilio.com" | "verify.twilio.com";
    secrets: "TWILIO_AUTH_TOKEN" | "TWILIO_CREDENTIALS";
    config: {
      accountSid: string;
      attemptsPerCode: number;
      codesPerHour: number;
      from: string;
      hookAddress?: string;
      language: "en-US" | "en-GB" | "de-DE" | "fr-FR" | "es-ES";
      messagingService?: string;
      texts: { completed?: string; "on-the-way"?: string; scheduled?: string };
      verifyService?: string;
    };
  }
}
