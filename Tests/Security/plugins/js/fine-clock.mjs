// answers: true
// No clock is finer than a millisecond: neither dates nor performance nor the engine's own.
export default { execute() {
  const steps = new Set();
  for (let i = 0; i < 20000; i++) { const now = performance.now(); steps.add(now - Math.floor(now)); steps.add(new Date().getTime() % 1); }
  const real = Object.getPrototypeOf(new Date()).constructor;
  return [...steps].every((step) => step === 0) && real === Date && !("now" in (globalThis.os ?? {}));
} };
