// ends: memory | cpu
// Swallows every error and goes on.
export default { execute() { const all = []; for (;;) try { all.push(new Uint8Array(1 << 20).fill(1)); } catch (error) { if (all.length > 1e9) return error; } } };
