import type { Plugin, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { refusable, router } from "@veroforge/kit";
import { call } from "./calls";
import { checkCode, sendCode } from "./codes";
import { notifyCustomer, sendSms } from "./messages";
import { messageStatus } from "./status";

/** Texts, calls and one-time codes through the customer's Twilio account. */
export default class TwilioPlugin implements Plugin {
  name = "twilio";
  version = "1.0.0";

  private context: PluginContext | undefined;

  async initialize(context: PluginContext): Promise<void> {
    this.context = context;
  }

  async execute(request: PluginRequest): Promise<PluginResponse> {
    return refusable(() => router(
      {
        "send-sms": sendSms,
        "notify-customer": notifyCustomer,
        "call": call,
        "send-code": sendCode,
        "check-code": checkCode,
        "message-status": messageStatus,
      },
      this.context, request,
    ));
  }
}
