const AMOUNT = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Prices are integers in minor units, two of them after the point, of a currency the platform does not name: 199 → "1.99". */
export function formatAmount(minorUnits: number): string {
  return AMOUNT.format(minorUnits / 100);
}
