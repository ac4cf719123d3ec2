import { exponentOf, fromMinorUnits, Refusal, toMinorUnits } from "@veroforge/kit";

/** Stripe's table, which is not ISO 4217's in these: docs.stripe.com, "Supported currencies". */
const zeroDecimal = new Set([
  "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
]);
const threeDecimal = new Set(["BHD", "JOD", "KWD", "OMR", "TND"]);
/** Currencies without a minor unit in use, which Stripe nevertheless takes in hundredths that must be whole. */
const wholeHundreds = new Set(["ISK", "UGX"]);

function stripeExponent(currency: string): number {
  return zeroDecimal.has(currency) ? 0 : threeDecimal.has(currency) ? 3 : 2;
}

/** A decimal string in the integer that Stripe takes; what Stripe cannot carry is refused, never rounded. */
export function toStripe(amount: string, currency: string): number {
  const minor = toMinorUnits(amount, stripeExponent(currency));
  const carried = minor !== undefined
    && !(wholeHundreds.has(currency) && minor % 100 !== 0) && !(threeDecimal.has(currency) && minor % 10 !== 0);
  if (!carried) throw new Refusal("invalid", `${amount} ${currency} is no amount that Stripe can carry`);
  return minor;
}

/** Stripe's integer as a decimal string with the currency's own decimals. */
export function fromStripe(amount: number, currency: string): string {
  const text = fromMinorUnits(amount, stripeExponent(currency));
  const exact = toMinorUnits(text, exponentOf(currency));
  return exact === undefined ? text : fromMinorUnits(exact, exponentOf(currency));
}
