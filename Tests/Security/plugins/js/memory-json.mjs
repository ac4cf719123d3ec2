// ends: memory | output | cpu
export default { execute() { let deep = []; for (let i = 0; i < 22; i++) deep = [deep, deep]; return deep; } };
