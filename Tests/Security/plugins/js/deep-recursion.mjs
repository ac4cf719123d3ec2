// fails: threw
export default { execute() { const f = (n) => f(n + 1) + 1; return f(0); } };
