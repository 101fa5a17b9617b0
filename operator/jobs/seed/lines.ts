/** The bytes of a file of rows: how many rows there are, on which line each begins, and what makes it unreadable as a whole. */
import { createReadStream } from 'node:fs';

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const CHUNK_BYTES = 256 * 1024;

export const readBytes = (path: string, start = 0): AsyncIterable<Buffer> =>
  createReadStream(path, { start, highWaterMark: CHUNK_BYTES });

/**
 * Counts rows over chunks of bytes. A row ends with a line feed; within the quotes of CSV that is part of a value. A doubled quote closes and
 * opens again, so that it needs no case of its own.
 */
export interface RowCounter {
  /** Rows that have ended with a line feed. */
  readonly complete: number;
  /** And with one more for bytes after the last line feed. */
  readonly rows: number;
  /** The line, from 1 on, and the offset in bytes at which the row that is under way begins. */
  readonly rowLine: number;
  readonly rowOffset: number;
  /** Where the quotes that are still open were opened. */
  readonly openQuoteLine: number | undefined;
  /** The line of the first carriage return outside quotes that no line feed follows. */
  readonly bareReturnLine: number | undefined;
  /** Goes on to the end of `chunk`, or to where `until` rows are complete. */
  count(chunk: Uint8Array, until?: number): void;
}

export function countRows(quoted: boolean): RowCounter {
  let complete = 0;
  let line = 1;
  let offset = 0;
  let rowLine = 1;
  let rowOffset = 0;
  let quoteLine: number | undefined;
  let bareReturnLine: number | undefined;
  let previous = 0;
  const endRow = (nextOffset: number): void => {
    complete++;
    rowLine = line;
    rowOffset = nextOffset;
  };
  const countPlain = (chunk: Uint8Array, until: number): void => {
    let at = 0;
    while (complete < until) {
      const end = chunk.indexOf(LF, at);
      if (end < 0) break;
      at = end + 1;
      line++;
      endRow(offset + at);
    }
    offset += complete < until ? chunk.length : at;
  };
  const countQuoted = (chunk: Uint8Array, until: number): void => {
    // What changes with every byte is kept out of the closure, at a third of the time.
    let [i, before, isQuoted] = [0, previous, quoteLine !== undefined];
    for (; i < chunk.length && complete < until; i++) {
      const byte = chunk[i]!;
      if (byte === QUOTE) {
        isQuoted = !isQuoted;
        quoteLine = isQuoted ? line : undefined;
      }
      if (before === CR && byte !== LF && !isQuoted) bareReturnLine ??= line;
      before = isQuoted ? 0 : byte;
      if (byte !== LF) continue;
      line++;
      if (!isQuoted) endRow(offset + i + 1);
    }
    offset += i;
    previous = before;
  };
  return {
    get complete() {
      return complete;
    },
    get rows() {
      return complete + (offset > rowOffset ? 1 : 0);
    },
    get rowLine() {
      return rowLine;
    },
    get rowOffset() {
      return rowOffset;
    },
    get openQuoteLine() {
      return quoteLine;
    },
    get bareReturnLine() {
      return bareReturnLine;
    },
    count(chunk, until = Infinity) {
      if (quoted) countQuoted(chunk, until);
      else countPlain(chunk, until);
    },
  };
}

/** The line on which the row of that number begins; rows are counted from 1, a header included. */
export async function lineOfRow(path: string, quoted: boolean, row: number): Promise<number> {
  const counter = countRows(quoted);
  for await (const chunk of readBytes(path)) {
    counter.count(chunk, row - 1);
    if (counter.complete >= row - 1) break;
  }
  return counter.rowLine;
}
