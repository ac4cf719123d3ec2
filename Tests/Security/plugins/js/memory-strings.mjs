// ends: memory
export default { execute() { const all = []; for (;;) all.push("x".repeat(1 << 20)); } };
