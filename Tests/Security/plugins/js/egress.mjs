// ends: egress
export default { async initialize(context) { this.context = context; },
  async execute() { for (;;) await this.context.fetch("https://a.example/", { method: "POST", body: "x".repeat(4000) }); } };
