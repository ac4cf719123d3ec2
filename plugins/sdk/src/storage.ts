/** A value that survives JSON. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * A key-value store of one installation: kept by the host, sealed, removed with the installation, and metered
 * daily as stored bytes. Its size is limited by the manifest's `limits.storageMiB`.
 */
export interface PluginStorage {
  /** The value, or `undefined`. */
  get<T extends Json = any>(key: string): Promise<T | undefined>;
  /** Keeps the value. Rejects with `limit` when the quota is reached. */
  set(key: string, value: Json): Promise<void>;
  /** Forgets the key; no error when there is none. */
  delete(key: string): Promise<void>;
  /** The keys that begin with `prefix`, sorted. */
  list(prefix?: string): Promise<string[]>;
}

/**
 * Named blobs for the life of one sandbox, within the manifest's `limits.tempMiB`. This is the plugin's whole file
 * system.
 */
export interface PluginTemp {
  write(name: string, bytes: string | Uint8Array): Promise<void>;
  read(name: string): Promise<Uint8Array | undefined>;
  delete(name: string): Promise<void>;
  /** The names, sorted. */
  list(): Promise<string[]>;
}
