/** What commands have in common when they speak: formats, colours, exit codes. */
import { styleText } from 'node:util';
import { Option } from 'commander';

/** Exit codes, the same for every command. */
export const EXIT = { ok: 0, error: 1, unfinished: 2 } as const;

export type OutputFormat = 'text' | 'json';

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text');
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}

type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';
export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_, text) => text;
const coloured: Paint = (colour, text) => (text === '' ? text : styleText(colour, text, { validateStream: false }));

/** Colours for a stream: none where it is no terminal, or where NO_COLOR (no-color.org) says so. */
export function paintFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  return stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb' ? coloured : plain;
}

/** A duration as kubectl prints ages: 45s, 12m, 3h, 2d. */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Asks a yes-or-no question; false where nobody can answer. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`${question} [y/N] `);
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Parses the value of an option: `90s`, `10m`, `1h30m` in milliseconds. */
export function duration(option: string): (text: string) => number {
  return (text) => {
    const parts = /^(\d+[smh])+$/.test(text) ? text.match(/\d+[smh]/g) : null;
    if (!parts) throw new Error(`${option} is ${text}, and should be like 90s, 10m or 1h30m`);
    return parts.reduce((sum, part) => sum + Number(part.slice(0, -1)) * (UNITS[part.slice(-1)] ?? 0), 0);
  };
}
