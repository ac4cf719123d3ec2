import type { PluginContext } from "./context";

/**
 * A plugin.
 *
 * The host creates one instance for one tenant and one version, calls `initialize` once, `execute` once for each
 * call (never two at the same time), and `cleanup` before it ends the sandbox. A sandbox may be ended at any time
 * without `cleanup`, so nothing that matters may wait for it.
 */
export interface Plugin {
  /** The plugin's own short name, as in the manifest's `id` after the dot. */
  name: string;
  /** The version, equal to the manifest's. */
  version: string;
  /**
   * Keeps the context and prepares. It runs under the same limits as a call; a rejection means that the plugin
   * cannot be used, and the customer is shown its message.
   */
  initialize(context: PluginContext): Promise<void>;
  /**
   * Answers one call. Return `success: false` for what the caller can understand and correct; throw for a defect.
   */
  execute(request: PluginRequest): Promise<PluginResponse>;
  /** Called before an orderly end. */
  cleanup?(): Promise<void>;
}

/** A plugin's class: the runner makes the instance itself, without arguments. */
export interface PluginClass {
  new (): Plugin;
}

/** Answers its argument: lets a plugin that is an object be typed where it is written. Provided by the runner. */
export declare function definePlugin<T extends Plugin>(plugin: T): T;

/** One call. */
export interface PluginRequest<Input = any> {
  /** An action of the manifest. */
  action: string;
  /** The caller's data, which the action's `input` schema has accepted. For a webhook: a {@link HookDelivery}. */
  data: Input;
  /** The call's identity: the same when the caller repeats a call with the same `Idempotency-Key`. */
  id?: string;
  /** When the call arrived, RFC 3339 in UTC. */
  time?: string;
}

/** What a plugin answers. */
export interface PluginResponse<Output = any> {
  /** Whether the action did what its name says. A call that ends with `false` is not billed. */
  success: boolean;
  /** The result, which must satisfy the action's `output` schema when `success` is true. */
  data?: Output;
  /** Why not, for the caller to read. Begin with a stable word, then a colon: `"not-found: no order 1042"`. */
  error?: string;
}

/**
 * A vendor's webhook as it reached `POST /v1/hooks/{installation}/{action}`: the `data` of the request that the
 * action receives. Nothing in it has been checked: verify the vendor's signature over `body` before anything else.
 */
export interface HookDelivery {
  /** Header names in lower case. */
  headers: { readonly [name: string]: string };
  /** The raw body, exactly as it was received, as text. */
  body: string;
}
