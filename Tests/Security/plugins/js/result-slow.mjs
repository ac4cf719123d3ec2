// ends: cpu
export default { execute() { return { toJSON() { for (;;); } }; } };
