/** Whether a version has been reached. Versions are digits, compared as numbers: 0002 is older than 10. */
export function hasReached(current: string | undefined, wanted: string): boolean {
  return current !== undefined && /^\d+$/.test(current) && BigInt(current) >= BigInt(wanted);
}
