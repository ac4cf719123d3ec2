import type { Plugin, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { refusable, router } from "@veroforge/kit";
import { pushCustomer } from "./customers";
import { pushInvoice, pushPayment } from "./pushing";
import { pull, quickbooksEvent } from "./pulling";
import { report } from "./reports";

/** Customers, invoices and payments alike on both sides, and QuickBooks' reports. */
export default class QuickBooksSyncPlugin implements Plugin {
  name = "quickbooks-sync";
  version = "1.0.0";

  private context: PluginContext | undefined;

  async initialize(context: PluginContext): Promise<void> {
    this.context = context;
  }

  async execute(request: PluginRequest): Promise<PluginResponse> {
    return refusable(() => router(
      {
        "push-customer": pushCustomer,
        "push-invoice": pushInvoice,
        "push-payment": pushPayment,
        "pull": pull,
        "report": report,
        "quickbooks-event": quickbooksEvent,
      },
      this.context, request,
    ));
  }
}
