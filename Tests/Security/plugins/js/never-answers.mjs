// fails: neverSettles
export default { execute() { return new Promise(() => {}); } };
