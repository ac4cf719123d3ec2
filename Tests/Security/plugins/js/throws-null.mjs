// fails: threw
export default { execute() { throw null; } };
