// answers: "nothing"
// The module's `this`, callers, and constructors of constructors lead nowhere else.
export default { execute() {
  const found = [];
  const sloppy = Function("return (function () { return this; })()")();
  for (const name of Object.getOwnPropertyNames(sloppy)) if (/^host$|veroforge|native/i.test(name)) found.push(name);
  try { (function f() { if (f.caller) found.push("caller"); })(); } catch {}
  try { if ((() => {}).constructor("return arguments.callee.caller")()) found.push("arguments.callee"); } catch {}
  return found.join() || "nothing";
} };
