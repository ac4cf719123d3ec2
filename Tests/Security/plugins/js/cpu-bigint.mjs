// ends: cpu
export default { execute() { let a = 3n; for (;;) a = a ** 3n % (10n ** 20000n); } };
