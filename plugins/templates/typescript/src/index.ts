import type { Plugin, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { fail, ok, router } from "@veroforge/kit";

export default class {{class}} implements Plugin {
  name = "{{name}}";
  version = "1.0.0";

  private context: PluginContext | undefined;

  async initialize(context: PluginContext): Promise<void> {
    this.context = context;
  }

  async execute(request: PluginRequest): Promise<PluginResponse> {
    return router({ greet }, this.context, request);
  }
}

async function greet(data: { customerId: string }, context: PluginContext): Promise<PluginResponse> {
  const [customer] = await context.api.readData("customers", [{ field: "id", op: "eq", value: data.customerId }]);
  if (customer === undefined) return fail("notFound", `no customer ${data.customerId}`);
  return ok({ text: `${context.config.greeting}, ${customer["name"]}!` });
}
