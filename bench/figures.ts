/** The value below which `share` (0 to 1) of the values lie: the smallest value with at least that share at or below it. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** One line: `what                p50   9.1   p99  31.0   max  44.2 ms`. */
export function latencyLine(what: string, milliseconds: readonly number[]): string {
  const figure = (value: number) => value.toFixed(1).padStart(7);
  const figures = [
    `p50 ${figure(percentile(milliseconds, 0.5))}`,
    `p99 ${figure(percentile(milliseconds, 0.99))}`,
    `max ${figure(Math.max(...milliseconds))} ms`,
  ];
  return `  ${what.padEnd(44)} ${figures.join('  ')}  (${milliseconds.length})`;
}

/** One line: `what                23.4 s`. */
export function figureLine(what: string, figure: string): string {
  return `  ${what.padEnd(44)} ${figure}`;
}
