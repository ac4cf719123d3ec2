// ends: memory
export default { execute() { const all = []; for (;;) all.push(new Float64Array(1 << 18)); } };
