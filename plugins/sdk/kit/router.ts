import type { PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";

/** What answers one action. */
export type Handler = (data: any, context: PluginContext, request: PluginRequest) => Promise<PluginResponse>;

/** The actions by name. */
export type Handlers = { readonly [action: string]: Handler };

export function ok<T>(data: T): PluginResponse<T> {
  return { success: true, data };
}

/** A refusal that the caller can understand: a stable word, and a sentence. */
export function fail(word: string, sentence: string): PluginResponse {
  return { success: false, error: `${word}: ${sentence}` };
}

/** Whether the host refused an operation; `code` says why. */
export function isOperationError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && error.name === "OperationError";
}

/**
 * Calls the handler of the request's action. An unknown action and an operation that the host refused become
 * answers; any other error is a defect and is thrown on.
 */
export async function router(
  handlers: Handlers, context: PluginContext | undefined, request: PluginRequest,
): Promise<PluginResponse> {
  if (context === undefined) return fail("not-ready", "the plugin has not been initialized");
  const handler = Object.hasOwn(handlers, request.action) ? handlers[request.action] : undefined;
  if (handler === undefined) return fail("unknown-action", request.action);
  try {
    return await handler(request.data ?? {}, context, request);
  } catch (error) {
    if (!isOperationError(error)) throw error;
    context.logger.warn("operation refused", { action: request.action, code: error.code });
    return fail(error.code, error.message);
  }
}
