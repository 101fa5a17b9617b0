import { hash } from 'node:crypto';

/** Of what is frozen, and so in this code frozen through and through: a cache gives the same object until it changes. */
const known = new WeakMap<object, string>();

/** A short hash of a JSON value; the order of keys and fields that are undefined do not count. */
export function hashOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || !Object.isFrozen(value)) return compute(value);
  const found = known.get(value) ?? compute(value);
  known.set(value, found);
  return found;
}

const compute = (value: unknown) => hash('sha256', canonicalJson(value)).slice(0, 16);

/** The same text for the same JSON value: what the API server gives back has its keys in another order than what it was given. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value))
    return `[${value.map((item) => (item === undefined ? 'null' : canonicalJson(item))).join()}]`;
  const fields = value as Record<string, unknown>;
  let text = '';
  for (const name of namesOf(fields)) {
    const field = fields[name];
    if (field !== undefined) text += `${text && ','}${JSON.stringify(name)}:${canonicalJson(field)}`;
  }
  return `{${text}}`;
}

/** Sorted; what looks like an index comes first, by number, as in every object. Hashes of earlier operators were made so. */
function namesOf(fields: object): string[] {
  const names = Object.keys(fields).sort();
  return names.some(beginsWithDigit) ? Object.keys(Object.fromEntries(names.map((name) => [name, true]))) : names;
}

function beginsWithDigit(name: string): boolean {
  const code = name.charCodeAt(0);
  return code >= 48 && code <= 57;
}
