/**
 * `@veroforge/kit`: small functions that a plugin bundles. Nothing here is provided at run time; esbuild copies
 * what is used.
 */
export { fail, isOperationError, ok, router, type Handler, type Handlers } from "./router";
export { formEncode, parseForm, query, type FormFields } from "./form";
export { retrying, retryAfterSeconds, type RetryPolicy } from "./retry";
export { formatMoney } from "./money";
export { base64, fromBase64, utf8 } from "./bytes";
