// ends: apiCalls
export default { async initialize(context) { this.context = context; },
  async execute() { for (;;) await this.context.api.readData("orders", []); } };
