// ends: cpu
// Answers at once and keeps running: the answer is not given while jobs are left.
export default { async execute() { (async () => { for (;;) await null; })(); return "done"; } };
