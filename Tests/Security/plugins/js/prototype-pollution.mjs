// answers: {"entity":"orders"}
// What a plugin adds to every object does not change what reaches the host.
Object.prototype.entity = "salaries";
Object.prototype.toJSON = undefined;
export default { async initialize(context) { this.context = context; },
  async execute() { await this.context.api.readData("orders", []); delete Object.prototype.entity; return { entity: "orders" }; } };
