import type { Json, PluginContext } from "@veroforge/sdk";

interface Remembered<T> { key: string; value: T }

/**
 * Does the work, unless a call with the same key has done it already, and answers what it answered. The last `max`
 * keys are remembered under `name` in the plugin's storage. Without a key nothing is remembered.
 */
export async function once<T extends { [name: string]: Json }>(
  context: PluginContext, name: string, key: string | undefined, max: number, work: () => Promise<T>,
): Promise<{ value: T; repeated: boolean }> {
  const remembered = key === undefined ? [] : await load<T>(context, name);
  const earlier = remembered.find((item) => item.key === key);
  if (earlier !== undefined) return { value: earlier.value, repeated: true };
  const value = await work();
  if (key !== undefined) {
    remembered.push({ key, value });
    await context.storage.set(name, remembered.slice(-max).map((item) => ({ ...item })));
  }
  return { value, repeated: false };
}

async function load<T>(context: PluginContext, name: string): Promise<Remembered<T>[]> {
  const kept: unknown = await context.storage.get(name);
  return Array.isArray(kept) ? kept : [];
}
