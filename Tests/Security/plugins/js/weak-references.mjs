// answers: "held"
// Finalizers that bring the dead back.
const registry = new FinalizationRegistry((held) => { kept.push(held); });
const kept = [];
export default { async execute() {
  for (let i = 0; i < 20000; i++) { let o = { i }; o.self = o; registry.register(o, o.i); new WeakRef(o); }
  await null;
  return "held";
} };
