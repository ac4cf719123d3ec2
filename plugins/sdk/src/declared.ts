import type { Data } from "./api";

/**
 * What this plugin's `plugin.json` declares, as types.
 *
 * Empty here, so that every name is a `string`. `veroforge plugin typegen` writes `src/declared.d.ts`, which
 * augments this interface from the manifest: from then on an entity, workflow, host or secret that the manifest
 * does not declare does not compile.
 *
 * ```ts
 * declare module "@veroforge/sdk" {
 *   interface Declared {
 *     read: { orders: Data };
 *     write: Record<never, never>;
 *     workflows: "send-email";
 *     hosts: "slack.com";
 *     secrets: "SLACK_BOT_TOKEN";
 *     config: { defaultChannel: string };
 *   }
 * }
 * ```
 */
export interface Declared {}

/** An entity that `readData` may name. */
export type ReadableEntity = Declared extends { read: infer Read } ? keyof Read & string : string;

/** An entity that `writeData` may name. */
export type WritableEntity = Declared extends { write: infer Write } ? keyof Write & string : string;

/** A workflow that `triggerWorkflow` may name. */
export type WorkflowID = Declared extends { workflows: infer Workflow } ? Workflow & string : string;

/** A host that `fetch` may reach. */
export type FetchHost = Declared extends { hosts: infer Host } ? Host & string : string;

/** A secret that `secret`, `crypto` and `fetch`'s `auth` may name. */
export type SecretName = Declared extends { secrets: infer Name } ? Name & string : string;

/** The shape of one record of an entity: the declared one, or any record. */
export type EntityData<Name extends string> =
  Declared extends { read: infer Read } ? (Name extends keyof Read ? Read[Name] : Data) : Data;

/** What the customer has configured, as the manifest's `config` schema describes it. */
export type DeclaredConfig =
  Declared extends { config: infer Config } ? Config : { readonly [key: string]: unknown };
