export const MAX_QUANTITY = 10_000;

export type Quantity = { kind: 'valid'; value: number } | { kind: 'invalid'; message: string };

/** Reads what was typed, by the gateway's own rule: a whole number from 1 to 10000. */
export function parseQuantity(text: string): Quantity {
  const trimmed = text.trim();
  const value = Number(trimmed);
  if (trimmed === '' || !Number.isInteger(value)) return { kind: 'invalid', message: 'Enter a whole number.' };
  if (value < 1) return { kind: 'invalid', message: 'Order at least 1.' };
  if (value > MAX_QUANTITY) return { kind: 'invalid', message: `Order at most ${MAX_QUANTITY} at once.` };
  return { kind: 'valid', value };
}

/** One step up or down from what was typed, within bounds; from something unreadable, back to 1. */
export function stepQuantity(text: string, step: 1 | -1): string {
  const current = Math.trunc(Number(text));
  if (text.trim() === '' || !Number.isFinite(current)) return '1';
  return String(Math.min(MAX_QUANTITY, Math.max(1, current + step)));
}
