// ends: cpu
export default { execute() { for (;;); } };
