// ends: memory
export default { execute() { const all = []; for (;;) all.push(new ArrayBuffer(1 << 22)); } };
