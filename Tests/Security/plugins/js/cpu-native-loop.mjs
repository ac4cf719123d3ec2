// ends: cpu
// One call into the engine's own code that would take years.
export default { execute() { return Array.prototype.indexOf.call({ length: Number.MAX_SAFE_INTEGER }, 1); } };
