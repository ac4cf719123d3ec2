// answers: "undefined"
// The engine can load compiled code that is not checked; nothing hands it any.
export default { execute() { return typeof globalThis.bjson; } };
