// fails: notSerializable
export default { execute() { return { get a() { throw new Error("no"); } }; } };
