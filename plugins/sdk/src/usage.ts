/** An amount of which the plugin's price is a percentage. */
export interface UsageAmount {
  /** A decimal string in major units, like `"129.00"`: money is never a floating number. */
  amount: string;
  /** ISO 4217, like `"USD"`. */
  currency: string;
}

export interface PluginUsage {
  /**
   * Reports an amount that this call has handled, for a charge with the scheme `percentage`. It counts once the
   * call has succeeded, and is capped by the manifest.
   */
  report(amount: UsageAmount): Promise<void>;
}
