export default class {{class}} {
  name = "{{name}}";
  version = "1.0.0";

  async initialize(context) {
    this.context = context;
  }

  async execute(request) {
    switch (request.action) {
      case "greet":
        return this.greet(request.data);
      default:
        return { success: false, error: `unknown-action: ${request.action}` };
    }
  }

  async greet({ customerId }) {
    const [customer] = await this.context.api.readData("customers", [{ field: "id", op: "eq", value: customerId }]);
    if (customer === undefined) return { success: false, error: `notFound: no customer ${customerId}` };
    return { success: true, data: { text: `${this.context.config.greeting}, ${customer.name}!` } };
  }
}
