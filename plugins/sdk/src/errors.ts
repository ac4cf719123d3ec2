/**
 * Why the host did not do what it was asked.
 *
 * - `denied`: the permission is not declared, or the customer has not accepted it.
 * - `invalid`: the arguments are not what the operation takes.
 * - `notFound`: the application does not know the entity, record or workflow.
 * - `limit`: a limit of the manifest or of the platform is reached.
 * - `rateLimited`: too many operations in too short a time.
 * - `unavailable`: the application or the vendor could not be reached.
 * - `timeout`: it was reached, and did not answer in time.
 * - `upstream`: it answered, and the answer was an error or could not be read.
 */
export type OperationErrorCode =
  | "denied" | "invalid" | "notFound" | "limit" | "rateLimited" | "unavailable" | "timeout" | "upstream";

/**
 * What a promise of the context rejects with. Branch on `code`; `message` is for people. The class itself is
 * provided by the runner: `import { OperationError } from "@veroforge/sdk"`.
 */
export declare class OperationError extends Error {
  constructor(code: string, message: string, operation?: string);
  readonly name: "OperationError";
  readonly code: OperationErrorCode | (string & {});
  /** The operation that was refused: `readData`, `fetch`, … */
  readonly operation: string | undefined;
}
