// fails: threw
// A thread that counts would be a clock; there is no thread, and waiting is refused.
export default { execute() { return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000); } };
