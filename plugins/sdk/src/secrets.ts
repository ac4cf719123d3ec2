import type { SecretName } from "./declared";

/**
 * A placeholder for a secret. It is a string, so that it can be put into a header, a query or a body; the proxy
 * replaces it on the way out, and only towards hosts that the manifest declares.
 */
export type Secret = string;

export type HmacAlgorithm = "sha1" | "sha256" | "sha512";

/** How a signature is written. `hex` is lower case. */
export type SignatureEncoding = "hex" | "base64";

/** Signing and checking with a secret that stays on the host. */
export interface PluginCrypto {
  /** The HMAC of the bytes under the secret. A string is taken as UTF-8. */
  sign(
    secret: SecretName, algorithm: HmacAlgorithm, bytes: string | Uint8Array, encoding?: SignatureEncoding,
  ): Promise<string>;

  /**
   * Whether `signature` is the HMAC of the bytes under the secret, compared in constant time. An ill-formed
   * signature is `false`, not an error.
   */
  verifyHmac(
    secret: SecretName, algorithm: HmacAlgorithm, bytes: string | Uint8Array, signature: string,
    encoding?: SignatureEncoding,
  ): Promise<boolean>;
}
