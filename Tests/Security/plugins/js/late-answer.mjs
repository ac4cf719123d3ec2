// answers: "first"
// What the host answers after the call is over reaches nobody.
export default { async initialize(context) { this.context = context; },
  async execute() { this.context.storage.get("k").then(() => { throw new Error("late"); }); return "first"; } };
