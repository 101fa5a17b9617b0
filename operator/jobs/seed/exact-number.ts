/** Numbers of more digits than a double holds, kept as they are written: Postgres has types for them. */

/** In Node, and not yet in the types of the language. */
interface RawJson {
  rawJSON(text: string): { rawJSON: string };
  isRawJSON(value: unknown): boolean;
}
const json = JSON as JSON & RawJson;

export const isExactNumber = (value: unknown): boolean => json.isRawJSON(value);

/** As `JSON.parse`; a number that would lose digits becomes something that `JSON.stringify` writes as it was. */
export function parseExactly(text: string): unknown {
  if (!/\d[\d.]{15}/.test(text)) return JSON.parse(text);
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown => {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined) return value;
    return source.replaceAll(/[eE].*|\D/g, '').length > 15 ? json.rawJSON(source) : value;
  };
  return JSON.parse(text, reviver);
}
