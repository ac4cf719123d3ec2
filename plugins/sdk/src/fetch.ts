import type { FetchHost, SecretName } from "./declared";
import type { Secret } from "./secrets";

/** The methods that a `fetch` permission can list. */
export type HttpMethod = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * One HTTPS request, carried out by the API proxy.
 *
 * The host and the method must be declared by a `fetch` permission. Redirects are not followed: a 3xx is an answer
 * like any other. The promise rejects with an `OperationError` when the proxy refuses (`denied`), a limit is
 * reached (`limit`), or no answer came (`unavailable`, `timeout`); every answer, 500 as well, resolves.
 */
export type Fetch = (url: `https://${FetchHost}/${string}`, init?: FetchInit) => Promise<FetchResponse>;

export interface FetchInit {
  /** `GET` when absent. */
  method?: HttpMethod;
  /** Header names in any case. `authorization` is set by `auth`, never by hand. */
  headers?: { [name: string]: string | Secret };
  /** Text as it is, bytes as they are. */
  body?: string | Uint8Array;
  /** The credential that the proxy applies. */
  auth?: FetchAuth;
}

/**
 * How the proxy authenticates.
 *
 * `bearer`: `Authorization: Bearer` with the secret. `basic`: the secret is `user:password`, encoded by the proxy.
 * `oauth`: the host keeps the access token, refreshes it with the refresh token, and rotates both.
 */
export type FetchAuth = { bearer: SecretName } | { basic: SecretName } | { oauth: SecretName };

/** An answer. */
export interface FetchResponse {
  readonly status: number;
  /** Whether the status is 200 to 299. */
  readonly ok: boolean;
  /** Names in lower case; several values of one name joined with `", "`. */
  readonly headers: { readonly [name: string]: string };
  /** The body as UTF-8 text. */
  text(): Promise<string>;
  /** The body as JSON; rejects with a `SyntaxError` when it is not. */
  json<T = any>(): Promise<T>;
  /** The body as bytes. */
  bytes(): Promise<Uint8Array>;
  arrayBuffer(): Promise<ArrayBuffer>;
}
