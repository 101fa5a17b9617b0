import type { JobResult } from './contract.ts';

/** Kubernetes keeps 4 KiB of a container's termination message and 12 KiB of all in a pod; see `terminationMessagePath`. */
export const MAX_RESULT_BYTES = 3072;

/**
 * A result as JSON of at most `MAX_RESULT_BYTES`, masked. Where it would be longer, lists lose their oldest (first) entries and a
 * message its middle; that leaves the end of an error, which often says most.
 */
export function fitResult<T extends object>(result: JobResult<T>, mask: (text: string) => string): string {
  const shown = JSON.parse(mask(JSON.stringify(result))) as Record<string, unknown>;
  let text = JSON.stringify(shown);
  while (Buffer.byteLength(text) > MAX_RESULT_BYTES && shorten(shown)) text = JSON.stringify(shown);
  return text;
}

function shorten(result: Record<string, unknown>): boolean {
  const longest = Object.values(result)
    .filter((value): value is unknown[] => Array.isArray(value) && value.length > 1)
    .sort((a, b) => b.length - a.length)[0];
  if (longest) {
    longest.splice(0, Math.ceil(longest.length / 8));
    return true;
  }
  const message = result.message;
  if (typeof message !== 'string' || message.length < 64) return false;
  const keep = Math.floor(message.length * 0.45);
  result.message = `${message.slice(0, keep)} … ${message.slice(-keep)}`;
  return true;
}
