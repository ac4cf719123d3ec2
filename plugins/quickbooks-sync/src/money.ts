import { exponentOf, fromMinorUnits, Refusal, toMinorUnits } from "@veroforge/kit";

/** A decimal string as the JSON number that QuickBooks takes: exact, because it has at most 15 digits. */
export function toQuickBooks(amount: unknown, currency: string): number {
  const minor = toMinorUnits(String(amount), exponentOf(currency));
  if (minor === undefined || Math.abs(minor) > 999_999_999_999_999) {
    throw new Refusal("invalid", `${String(amount)} ${currency} is no amount that QuickBooks can carry`);
  }
  return Number(fromMinorUnits(minor, exponentOf(currency)));
}

/** QuickBooks' number as a decimal string, rounded nowhere but to the currency's own decimals. */
export function fromQuickBooks(amount: unknown, currency: string): string {
  const exponent = exponentOf(currency);
  const text = Number(amount).toFixed(exponent);
  if (toMinorUnits(text, exponent) === undefined) {
    throw new Refusal("quickbooks.unexpected-answer", `${String(amount)} is no amount of ${currency}`);
  }
  return text;
}
