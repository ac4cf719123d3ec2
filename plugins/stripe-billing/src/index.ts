import type { Plugin, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { refusable, router } from "@veroforge/kit";
import { createCustomer } from "./customers";
import { stripeEvent } from "./events";
import { sendInvoice } from "./invoices";
import { paymentLink, refund } from "./payments";
import { cancelSubscription, changePlan, createSubscription } from "./subscriptions";

/** Subscriptions, payment links, invoices and refunds through the customer's Stripe account. */
export default class StripeBillingPlugin implements Plugin {
  name = "stripe-billing";
  version = "1.0.0";

  private context: PluginContext | undefined;

  async initialize(context: PluginContext): Promise<void> {
    this.context = context;
  }

  async execute(request: PluginRequest): Promise<PluginResponse> {
    return refusable(() => router(
      {
        "create-customer": createCustomer,
        "create-subscription": createSubscription,
        "change-plan": changePlan,
        "cancel-subscription": cancelSubscription,
        "payment-link": paymentLink,
        "send-invoice": sendInvoice,
        "refund": refund,
        "stripe-event": stripeEvent,
      },
      this.context, request,
    ));
  }
}
