// answers: 0
// New memory holds nothing of anybody's.
export default { execute() { const bytes = new Uint8Array(8 << 20); let sum = 0; for (let i = 0; i < bytes.length; i += 997) sum += bytes[i]; return sum; } };
