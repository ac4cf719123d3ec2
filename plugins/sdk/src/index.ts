/**
 * `@veroforge/sdk`: what a plugin implements, and what it is handed.
 *
 * A plugin is one ES module (or CommonJS module) whose default export, `plugin` export, or single exported
 * class implements {@link Plugin}. It runs in a sandbox that has no network, no file system and no process:
 * everything it can reach is in {@link PluginContext}, and everything it reaches there was declared in its
 * `plugin.json`, shown to the customer, and accepted.
 *
 * At run time the module `@veroforge/sdk` is provided by the runner, with two values: {@link OperationError} and
 * {@link definePlugin}. All else here is types.
 */
export type { Plugin, PluginClass, PluginRequest, PluginResponse, HookDelivery } from "./plugin";
export type { PluginContext, PluginConfig, Logger, LogFields } from "./context";
export type { PluginAPI, Filter, FilterOperator, Data, Scalar } from "./api";
export type { Fetch, FetchInit, FetchAuth, FetchResponse, HttpMethod } from "./fetch";
export type { Secret, PluginCrypto, HmacAlgorithm, SignatureEncoding } from "./secrets";
export type { PluginStorage, PluginTemp, Json } from "./storage";
export type { PluginUsage, UsageAmount } from "./usage";
export type { OperationErrorCode } from "./errors";
export { OperationError } from "./errors";
export { definePlugin } from "./plugin";
export type {
  Declared, ReadableEntity, WritableEntity, WorkflowID, FetchHost, SecretName, EntityData,
} from "./declared";
