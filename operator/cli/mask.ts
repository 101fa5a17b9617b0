/** Keeps secrets out of what is printed, in whatever they come: a Secret, a URI, a variable of a telling name. */

import { isTelling } from '../jobs/secrets.ts';

export const MASK = '(not shown)';

const PASSWORD_IN_URI = /([a-z][a-z0-9+.-]*:\/\/[^\s:@/]*:)[^\s@]+@/gi;

/** A text without the passwords of the URIs in it. */
function maskText(text: string): string {
  return text.replace(PASSWORD_IN_URI, `$1${MASK}@`);
}

/** A value of any shape, with every URI and every variable of a telling name masked. */
export function maskValue(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value);
  if (Array.isArray(value)) return value.map(maskValue);
  if (typeof value !== 'object' || value === null) return value;
  const { name } = value as { name?: unknown };
  const hides = typeof name === 'string' && isTelling(name);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, hides && key === 'value' ? MASK : maskValue(inner)]),
  );
}
