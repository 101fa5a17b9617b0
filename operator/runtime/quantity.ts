const QUANTITY = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i))?$/;
const DECIMAL = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };

/**
 * A resource.Quantity in billionths, rounded up to whole ones as the API server does; undefined when it is none.
 * The API server stores quantities in canonical form: `1000m` becomes `1`, `0.5` becomes `500m`.
 */
export function parseQuantity(text: string): bigint | undefined {
  const match = QUANTITY.exec(text);
  const [, sign, whole = '', fraction = '', exponent, suffix = ''] = match ?? [];
  if (!match || whole + fraction === '') return undefined;
  const power = 9 + Number(exponent ?? DECIMAL[suffix as keyof typeof DECIMAL] ?? 0) - fraction.length;
  let value = BigInt(whole + fraction);
  if (suffix in BINARY) value <<= BINARY[suffix as keyof typeof BINARY];
  if (power >= 0) value *= 10n ** BigInt(power);
  else {
    const divisor = 10n ** BigInt(-power);
    value = (value + divisor - 1n) / divisor;
  }
  return sign === '-' ? -value : value;
}

/** Whether two JSON scalars are the same quantity. */
export function isSameQuantity(a: unknown, b: unknown): boolean {
  const left = parseQuantity(String(a));
  return left !== undefined && left === parseQuantity(String(b));
}
