// ends: cpu
export default { execute() { return /^(([a-z])+.)+[A-Z]([a-z])+$/.test("a".repeat(200)); } };
