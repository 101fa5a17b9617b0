/** Rows in a file. It is read several times, in chunks: what is in memory does not grow with it. */
import { access, constants } from 'node:fs/promises';
import { basename } from 'node:path';
import { parse } from 'csv-parse';
import { parse as parseWhole } from 'csv-parse/sync';
import type { SeedDataset, SeedFile, SeedRow } from '../contract.ts';
import { messageOf, type JobError } from '../failures.ts';
import { parseExactly } from './exact-number.ts';
import { invalidDataset } from './invalid-dataset.ts';
import { countRows, lineOfRow, readBytes, type RowCounter } from './lines.ts';
import type { Source } from './source.ts';

const BATCH = 1_000;
const MAX_ROW_BYTES = 16 * 1024 * 1024;
const BOM = '\uFEFF';

export async function openFile(dataset: SeedDataset, file: SeedFile): Promise<Source> {
  const name = basename(file.path);
  const faultAt = (line: number, fault: string): JobError => invalidDataset(dataset, `${name}:${line}: ${fault}`);
  await access(file.path, constants.R_OK).catch((error: unknown) => {
    throw invalidDataset(dataset, `the file ${file.path} cannot be read: ${messageOf(error)}`);
  });
  const counter = await countWhole(file);
  if (counter.openQuoteLine !== undefined)
    throw faultAt(counter.openQuoteLine, 'the quotes that begin here do not end');
  if (counter.bareReturnLine !== undefined)
    throw faultAt(counter.bareReturnLine, 'ends with a carriage return alone: lines end with LF or CRLF');
  return file.format === 'csv' ? csvSource(file, counter.rows, faultAt) : ndjsonSource(file, counter.rows, faultAt);
}

async function countWhole(file: SeedFile): Promise<RowCounter> {
  const counter = countRows(file.format === 'csv');
  for await (const chunk of readBytes(file.path)) counter.count(chunk);
  return counter;
}

type FaultAt = (line: number, fault: string) => JobError;

async function csvSource({ path }: SeedFile, rows: number, faultAt: FaultAt): Promise<Source> {
  const header = await readHeader(path, faultAt);
  return {
    total: rows - 1,
    csv: {
      header: header.columns,
      bytes: () => readBytes(path, header.bytes),
      where: (line) => `${basename(path)}:${header.lines + line}`,
    },
    where: async (row) => `${basename(path)}:${await lineOfRow(path, true, row + 1)}`,
    batches: () => csvBatches(path, header.columns, faultAt),
  };
}

async function readHeader(path: string, faultAt: FaultAt): Promise<{ columns: string[]; lines: number; bytes: number }> {
  const counter = countRows(true);
  let text = Buffer.alloc(0);
  for await (const chunk of readBytes(path)) {
    text = Buffer.concat([text, chunk]);
    counter.count(chunk, 1);
    if (counter.complete === 1 || text.length > MAX_ROW_BYTES) break;
  }
  const bytes = counter.complete === 1 ? counter.rowOffset : text.length;
  const lines = counter.complete === 1 ? counter.rowLine - 1 : 1;
  const columns = parsedHeader(text.subarray(0, bytes), faultAt);
  const unnamed = columns.indexOf('');
  if (columns.length === 0) throw faultAt(1, 'has no header: the first line names the columns');
  if (unnamed >= 0) throw faultAt(1, `column ${unnamed + 1} of the header has no name`);
  const twice = columns.find((column, i) => columns.indexOf(column) < i);
  if (twice !== undefined) throw faultAt(1, `the header names column "${twice}" twice`);
  return { columns, lines, bytes };
} // prettier-ignore

function parsedHeader(bytes: Buffer, faultAt: FaultAt): string[] {
  try {
    return (parseWhole(bytes, { bom: true }) as unknown as string[][])[0] ?? [];
  } catch (error) {
    throw faultAt(1, messageOf(error));
  }
}

/**
 * CSV knows text only. What is not in quotes and reads as a number, true or false of JSON is one; nothing at all, without quotes, is null.
 * Postgres, which knows its columns' types, reads the bytes itself.
 */
async function* csvBatches(path: string, columns: string[], faultAt: FaultAt): AsyncIterable<SeedRow[]> {
  const parser = parse({
    bom: true,
    columns,
    from: 2,
    max_record_size: MAX_ROW_BYTES,
    cast: (value, { quoting }) => (quoting ? value : unquoted(value)),
  });
  let failed: unknown;
  const feeding = (async () => {
    for await (const chunk of readBytes(path)) {
      if (parser.destroyed) return;
      if (!parser.write(chunk)) await new Promise<void>((resolve) => parser.once('drain', resolve).once('close', resolve));
    }
    parser.end();
  })().catch((error: unknown) => void parser.destroy((failed = error as Error)));
  let batch: SeedRow[] = [];
  try {
    for await (const row of parser as AsyncIterable<SeedRow>) {
      batch.push(row);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    const { lines } = error as { lines?: number };
    throw failed ?? (lines === undefined ? error : faultAt(lines, messageOf(error).replace(/ on line \d+/, '')));
  } finally {
    parser.destroy();
    await feeding;
  }
  if (batch.length > 0) yield batch;
} // prettier-ignore

function unquoted(text: string): unknown {
  if (text === '') return null;
  return /^(true|false|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)$/.test(text) ? JSON.parse(text) : text;
}

function ndjsonSource({ path }: SeedFile, rows: number, faultAt: FaultAt): Source {
  return {
    total: rows,
    where: (row) => Promise.resolve(`${basename(path)}:${row}`),
    batches: () => ndjsonBatches(path, faultAt),
  };
}

/** Every line is a row, so that the number of a row is that of its line. */
async function* ndjsonBatches(path: string, faultAt: FaultAt): AsyncIterable<SeedRow[]> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  const rowsOf = (bytes: Buffer): SeedRow[] =>
    decoded(bytes, line + 1, faultAt)
      .split('\n')
      .map((text) => parsedLine(text, ++line, faultAt));
  for await (const chunk of readBytes(path)) {
    const end = chunk.lastIndexOf(0x0a);
    if (end >= 0) {
      yield rowsOf(Buffer.concat([rest, chunk.subarray(0, end)]));
      rest = chunk.subarray(end + 1);
    } else {
      rest = Buffer.concat([rest, chunk]);
      if (rest.length > MAX_ROW_BYTES) throw faultAt(line + 1, `is longer than ${MAX_ROW_BYTES / 1024 ** 2} MiB`);
    }
  }
  if (rest.length > 0) yield rowsOf(rest);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decoded(bytes: Buffer, firstLine: number, faultAt: FaultAt): string {
  try {
    return utf8.decode(bytes);
  } catch {
    const lines = bytes.toString('latin1').split('\n');
    const bad = lines.findIndex((text) => Buffer.from(text, 'latin1').toString('utf8').includes('\uFFFD'));
    throw faultAt(firstLine + Math.max(0, bad), 'is not UTF-8');
  }
}

function parsedLine(text: string, line: number, faultAt: FaultAt): SeedRow {
  const json = line === 1 && text.startsWith(BOM) ? text.slice(1) : text;
  if (json.trim() === '') throw faultAt(line, 'is empty: every line is one JSON object');
  let value: unknown;
  try {
    value = parseExactly(json);
  } catch (error) {
    throw faultAt(line, messageOf(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw faultAt(line, 'is not a JSON object');
  return value as SeedRow;
}
