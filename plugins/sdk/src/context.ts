import type { PluginAPI } from "./api";
import type { DeclaredConfig } from "./declared";
import type { Fetch } from "./fetch";
import type { PluginCrypto, Secret } from "./secrets";
import type { PluginStorage, PluginTemp } from "./storage";
import type { PluginUsage } from "./usage";
import type { SecretName } from "./declared";

/** Everything that a plugin can reach. Each member is carried out by the host, on the far side of the sandbox. */
export interface PluginContext {
  /** The customer's application, through the API proxy. */
  api: PluginAPI;
  /** What the customer has set, as accepted by the manifest's `config` schema, defaults filled in. Frozen. */
  config: PluginConfig;
  /** The plugin's log, which its developer and the customer can read. */
  logger: Logger;
  /** HTTPS to the hosts that the manifest declares. */
  fetch: Fetch;
  /**
   * A placeholder for a secret, to be put into a header, query or body of a `fetch`: the proxy replaces it on the
   * way out. The secret itself never enters the sandbox.
   */
  secret(name: SecretName): Secret;
  /** Signing and checking with a secret, done by the host. */
  crypto: PluginCrypto;
  /** A small key-value store of this installation, which outlives the sandbox. */
  storage: PluginStorage;
  /** Named blobs in the sandbox's own memory, gone when it ends. */
  temp: PluginTemp;
  /** Reports amounts for `percentage` pricing. */
  usage: PluginUsage;
}

/** What the customer has set. */
export type PluginConfig = Readonly<DeclaredConfig>;

/** Extra fields of a log line. */
export type LogFields = { readonly [key: string]: unknown };

/**
 * The log. A line is cut at 8 KiB, and secrets cannot be in it because they are not in the sandbox; do not log
 * what belongs to the customer's customers.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
