// ends: temp
export default { async initialize(context) { this.context = context; },
  async execute() { for (let i = 0; ; i++) await this.context.temp.write(`n${i}`, "x".repeat(1000)); } };
