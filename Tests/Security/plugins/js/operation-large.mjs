// fails: threw
// Arguments beyond a frame's size never leave the runner.
export default { async initialize(context) { this.context = context; },
  async execute() { return this.context.api.writeData("notes", { text: "x".repeat(5 << 20) }); } };
