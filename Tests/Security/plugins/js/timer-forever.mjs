// ends: wall
export default { execute() { return new Promise(() => setInterval(() => {}, 500)); } };
