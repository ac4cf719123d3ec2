// fails: notSerializable
export default { execute() { const a = { b: {} }; a.b.a = a; return a; } };
