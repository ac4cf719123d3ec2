// answers: "held"
// Native methods called on what they are not made for.
export default { execute() {
  const odd = [null, 1, "x", {}, [], () => {}, new Map(), new Proxy({}, {}), Symbol.iterator, 1n];
  for (const type of [Map, Set, Date, RegExp, Promise, ArrayBuffer, Uint8Array, DataView, WeakMap, WeakRef, URL, URLSearchParams, TextDecoder, TextEncoder])
    for (const name of Object.getOwnPropertyNames(type.prototype))
      for (const value of odd) try { const method = Object.getOwnPropertyDescriptor(type.prototype, name); (method.value ?? method.get).call(value, value, value); } catch {}
  return "held";
} };
