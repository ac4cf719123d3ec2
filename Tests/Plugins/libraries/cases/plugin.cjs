// The plugin around a library: `ask` returns what the library says, `expected` what is right.
module.exports = (name, ask, expected) => class LibraryPlugin {
  name = name;
  version = "1.0.0";
  async initialize() {}
  async execute() {
    const answer = await ask();
    const right = JSON.stringify(answer) === JSON.stringify(expected);
    return { success: true, data: { right, answer } };
  }
};
