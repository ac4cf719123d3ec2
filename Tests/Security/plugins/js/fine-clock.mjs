// answers: true
// No clock is finer than a millisecond: neither dates nor performance nor the engine's own. A thousand looks are
// enough to see a fraction, and under gVisor each of them is a system call.
export default { execute() {
  const steps = new Set();
  for (let i = 0; i < 1000; i++) { const now = performance.now(); steps.add(now - Math.floor(now)); steps.add(new Date().getTime() % 1); }
  const real = Object.getPrototypeOf(new Date()).constructor;
  return [...steps].every((step) => step === 0) && real === Date && !("now" in (globalThis.os ?? {}));
} };
