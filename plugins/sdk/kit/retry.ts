import type { FetchResponse } from "@veroforge/sdk";

export interface RetryPolicy {
  /** How often in all, the first time included. */
  attempts: number;
  /** The longest wait between two attempts; a vendor that asks for more gets its answer handed back. */
  waitMsMax: number;
  /**
   * Whether a request that may have been carried out can be sent again: true for reads, and for writes that carry
   * an idempotency key. A write without one is repeated only when the vendor says that it was not carried out (429).
   */
  idempotent: boolean;
}

/** Seconds that a `Retry-After` header asks for, or `undefined`. Dates are not understood, and not guessed. */
export function retryAfterSeconds(response: FetchResponse): number | undefined {
  const value = response.headers["retry-after"];
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}

/** Sends until an answer is final, the attempts are used up, or the wait would be too long. */
export async function retrying(
  policy: RetryPolicy, send: (attempt: number) => Promise<FetchResponse>,
): Promise<FetchResponse> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await send(attempt);
    const again = response.status === 429 || (policy.idempotent && response.status >= 500);
    if (!again || attempt >= policy.attempts) return response;
    const asked = retryAfterSeconds(response);
    const waitMs = asked === undefined ? 100 * 2 ** (attempt - 1) : asked * 1000;
    if (waitMs > policy.waitMsMax) return response;
    await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
  }
}
