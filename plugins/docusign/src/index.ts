import type { Plugin, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { refusable, router } from "@veroforge/kit";
import { docusignEvent } from "./events";
import { sendContract, signingLink, voidContract } from "./sending";
import { contractStatus } from "./status";

/** Contracts out for signature, and signed documents back. */
export default class DocuSignPlugin implements Plugin {
  name = "docusign";
  version = "1.0.0";

  private context: PluginContext | undefined;

  async initialize(context: PluginContext): Promise<void> {
    this.context = context;
  }

  async execute(request: PluginRequest): Promise<PluginResponse> {
    return refusable(() => router(
      {
        "send-contract": sendContract,
        "signing-link": signingLink,
        "contract-status": contractStatus,
        "void-contract": voidContract,
        "docusign-event": docusignEvent,
      },
      this.context, request,
    ));
  }
}
