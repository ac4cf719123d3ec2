const exponents: { readonly [currency: string]: number } = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0,
  XAF: 0, XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3, CLF: 4, UYW: 4,
};

/** Decimals of a currency by ISO 4217. A vendor's own may differ. */
export function exponentOf(currency: string): number {
  return exponents[currency.toUpperCase()] ?? 2;
}

/** A decimal string as an integer of minor units, exactly, or `undefined` when it is not one or does not fit. */
export function toMinorUnits(decimal: string, exponent: number): number | undefined {
  const match = /^(-?)(\d{1,15})(?:\.(\d{1,12}))?$/.exec(decimal);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = ""] = match;
  if (/[1-9]/.test(fraction.slice(exponent))) return undefined;
  const minor = Number(whole + fraction.slice(0, exponent).padEnd(exponent, "0"));
  if (!Number.isSafeInteger(minor)) return undefined;
  return sign === "-" && minor !== 0 ? -minor : minor;
}

/** An integer of minor units as a decimal string: `fromMinorUnits(12900, 2)` is `"129.00"`. */
export function fromMinorUnits(minorUnits: number, exponent: number): string {
  if (!Number.isSafeInteger(minorUnits)) throw new RangeError("an amount is an integer of minor units");
  const digits = String(Math.abs(minorUnits)).padStart(exponent + 1, "0");
  const whole = digits.slice(0, digits.length - exponent);
  const fraction = exponent === 0 ? "" : "." + digits.slice(-exponent);
  return `${minorUnits < 0 ? "-" : ""}${whole}${fraction}`;
}
