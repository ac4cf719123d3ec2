// ends: cpu
export default { execute() { return new Array(1e5).fill(0).sort(() => { for (let i = 0; i < 1e6; i++); return 1; }); } };
