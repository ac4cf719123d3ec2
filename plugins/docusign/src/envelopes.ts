import type { PluginContext } from "@veroforge/sdk";

/** What is kept of a contract's envelope. */
export interface Envelope {
  /** Ours, chosen before the envelope is made. */
  transaction: string;
  embedded: boolean;
  /** DocuSign's, once it is known. */
  envelope?: string;
}

/** The envelope of a contract, if one was begun. */
export async function envelopeOf(contractId: string, context: PluginContext): Promise<Envelope | undefined> {
  return context.storage.get<any>(`contract/${contractId}`);
}

/** The contract of an envelope, if the envelope is one of ours. */
export async function contractOfEnvelope(envelope: string, context: PluginContext): Promise<string | undefined> {
  return context.storage.get<string>(`envelope/${envelope}`);
}

export async function remember(contractId: string, envelope: Envelope, context: PluginContext): Promise<void> {
  await context.storage.set(`contract/${contractId}`, { ...envelope });
  if (envelope.envelope !== undefined) await context.storage.set(`envelope/${envelope.envelope}`, contractId);
}
