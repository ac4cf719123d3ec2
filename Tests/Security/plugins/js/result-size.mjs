// ends: output | memory
export default { execute() { return "x".repeat(100 << 20); } };
