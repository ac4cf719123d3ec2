import type { Plugin, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { router } from "@veroforge/kit";
import { slashCommand } from "./commands";
import { messagePerson, notifyOrder, sendMessage, updateMessage } from "./messages";

/** Messages about orders to the right channel, and workflows from slash commands. */
export default class SlackPlugin implements Plugin {
  name = "slack";
  version = "1.0.0";

  private context: PluginContext | undefined;

  async initialize(context: PluginContext): Promise<void> {
    this.context = context;
  }

  async execute(request: PluginRequest): Promise<PluginResponse> {
    return router(
      {
        "notify-order": notifyOrder,
        "send-message": sendMessage,
        "message-person": messagePerson,
        "update-message": updateMessage,
        "slash-command": slashCommand,
      },
      this.context, request,
    );
  }
}
