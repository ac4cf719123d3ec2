// ends: cpu
// Every way out leads back in: only an error that cannot be caught helps.
export default { execute() { for (;;) { try { for (;;); } catch { continue; } finally { continue; } } } };
