// ends: cpu
export default { async execute() { const forever = async () => { for (;;) await null; }; await Promise.all([forever(), forever()]); } };
