import { JobError } from '../../failures.ts';
import type { SourceText } from '../source.ts';
import type { AnyNode } from './nodes.ts';

export interface SqlStatement {
  text: string;
  /** Of its first token in the file, counted from 1. */
  line: number;
  node: AnyNode;
  /** The line of a location that the parser told of something in this statement. */
  lineOf(location: number | undefined): number;
}

interface ParsedStatement {
  stmt?: AnyNode;
  stmt_location?: number;
  stmt_len?: number;
}

/** Splits a file into its statements with Postgres's own parser: quotes, dollar quotes and function bodies are its business. */
export async function parseSql(file: SourceText): Promise<SqlStatement[]> {
  if (file.text.trim() === '') return [];
  const { parse, hasSqlDetails } = await import('libpg-query');
  let parsed: ParsedStatement[];
  try {
    parsed = ((await parse(file.text)) as { stmts?: ParsedStatement[] }).stmts ?? [];
  } catch (error) {
    if (!hasSqlDetails(error)) throw error;
    const line = lineAt(file.text, error.sqlDetails?.cursorPosition ?? 0);
    throw new JobError('StatementFailed', `${file.file}:${line}: ${error.message}`, { cause: error });
  }
  const bytes = Buffer.from(file.text);
  const lineOf = lineIndex(bytes);
  return parsed.map(({ stmt = {} as AnyNode, stmt_location: start = 0, stmt_len: length }) => {
    const text = bytes.toString('utf8', start, length ? start + length : bytes.length);
    const line = lineOf(start);
    return { text, line, node: stmt, lineOf: (location) => (location === undefined ? line : lineOf(location)) };
  });
}

/** The line of a character position (0-based, counted in code points as Postgres does). */
export function lineAt(text: string, position: number): number {
  return Array.from(text).slice(0, position).join('').split('\n').length;
}

/** The first line of a statement, for people: it goes into a status, and a password does not. */
export function firstLine(text: string): string {
  const line =
    text
      .replace(/(password\s+)E?'([^']|'')*'/gi, `$1'***'`)
      .split('\n')[0]
      ?.trim() ?? '';
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** From a byte's position to its line, without counting from the start for every statement. */
function lineIndex(bytes: Buffer): (position: number) => number {
  const ends: number[] = [];
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) ends.push(at);
  return (position) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}
