// fails: threw
// An error whose every property fights back.
export default { execute() { throw new Proxy(new Error("x"), { get() { throw new Error("trap"); }, getPrototypeOf() { throw 1; } }); } };
