/**
 * `@veroforge/kit`: small functions that a plugin bundles. Nothing here is provided at run time; esbuild copies
 * what is used.
 */
export { fail, isOperationError, ok, router, type Handler, type Handlers } from "./router";
export { formEncode, formEncodeNested, parseForm, query, type FormFields, type Nested } from "./form";
export { retrying, retryAfterSeconds, type RetryPolicy } from "./retry";
export { exponentOf, fromMinorUnits, toMinorUnits } from "./money";
export { base64, fromBase64, utf8 } from "./bytes";
export { objectOf, Refusal, refusable } from "./vendor";
export { once } from "./once";
export { isNear } from "./webhook";
