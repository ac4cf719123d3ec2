// ends: cpu
// The answer's own keys never end.
export default { execute() { return new Proxy({}, { ownKeys() { for (;;); } }); } };
