// ends: apiCalls
// All at once, before the first answer.
export default { async initialize(context) { this.context = context; },
  async execute() { return Promise.all(Array.from({ length: 1000 }, () => this.context.storage.get("k"))); } };
