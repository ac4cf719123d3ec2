import type { FetchResponse, PluginResponse } from "@veroforge/sdk";
import { fail } from "./router";

/** A vendor's refusal with a stable word, like `slack.channel_not_found`, and a sentence for the caller. */
export class Refusal extends Error {
  readonly word: string;

  constructor(word: string, sentence: string) {
    super(sentence);
    this.word = word;
  }
}

/** Runs the work; a refusal becomes an answer, any other error is thrown on. */
export async function refusable(work: () => Promise<PluginResponse>): Promise<PluginResponse> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return fail(error.word, error.message);
    throw error;
  }
}

/** The JSON object of an answer. */
export async function objectOf(response: FetchResponse, vendor: string): Promise<{ [name: string]: any }> {
  let value: unknown;
  try {
    value = await response.json();
  } catch {
    throw new Refusal(`${vendor}.unexpected-answer`, `an answer with status ${response.status} is no JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Refusal(`${vendor}.unexpected-answer`, `an answer with status ${response.status} is no object`);
  }
  return value;
}
