import type { Data, PluginConfig } from "@veroforge/sdk";
import type { OrderEvent } from "./blocks";

/** The channel of the first route whose conditions hold, or the default one. A route without conditions holds. */
export function channelFor(
  event: OrderEvent, order: Data, customer: Data | undefined, config: PluginConfig,
): string {
  const route = config.routes.find((candidate) =>
    (candidate.event === undefined || candidate.event === event)
    && (candidate.priority === undefined || candidate.priority === order["priority"])
    && (candidate.city === undefined || candidate.city === customer?.["city"]));
  return route?.channel ?? config.defaultChannel;
}
