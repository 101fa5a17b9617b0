import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../contract.ts';
import { JobError, messageOf } from '../failures.ts';

/** A file of the source, to be run. */
export interface SourceText {
  /** The file's own name, for messages. */
  file: string;
  checksum: string;
  text: string;
}

/** A migration: its up file, and the down file that undoes it where there is one. */
export interface MigrationFile extends SourceText {
  /** The digits of the file's name as written; compared as numbers. */
  version: string;
  name: string;
  down?: SourceText;
}

const EXTENSIONS: Record<Engine, string> = { postgres: 'sql', mongo: 'yaml' };
const FILE_NAME = /^(\d{1,18})_([A-Za-z0-9][A-Za-z0-9_.-]*)\.(up|down)\.(sql|yaml)$/;

/** `0002` and `2` are the same version. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [BigInt(a), BigInt(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Over the text with line ends as `\n` and without a byte order mark, so that a checkout on another system is not an edit. */
export function checksumOf(text: string): string {
  return createHash('sha256').update(normalise(text)).digest('hex');
}

function normalise(text: string): string {
  return text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
}

/** The migrations of a directory, in order. Refuses whatever it cannot place, so that a typo does not skip a file in silence. */
export async function readSource(dir: string, engine: Engine): Promise<MigrationFile[]> {
  const names = (await listFiles(dir)).sort();
  const migrations: MigrationFile[] = [];
  const downs: SourceText[] = [];
  for (const file of names) {
    const [, version, name, direction, extension] = FILE_NAME.exec(file) ?? [];
    if (!version || !name) {
      if (!/\.(sql|ya?ml)$/.test(file)) continue;
      throw invalidSource(`${file}: the name must be like 0001_name.up.${EXTENSIONS[engine]}`);
    }
    if (extension !== EXTENSIONS[engine]) {
      throw invalidSource(`${file}: a ${engine} migration is a .${EXTENSIONS[engine]} file`);
    }
    const text = normalise(await readFile(join(dir, file), 'utf8'));
    const source = { file, text, checksum: checksumOf(text) };
    if (direction === 'down') downs.push(source);
    else migrations.push({ version, name, ...source });
  }
  migrations.sort((a, b) => compareVersions(a.version, b.version));
  migrations.forEach((migration, i) => {
    const before = migrations[i - 1];
    if (before && compareVersions(before.version, migration.version) === 0) {
      throw invalidSource(`${before.file} and ${migration.file} have the same version`);
    }
  });
  for (const down of downs) {
    const undone = down.file.replace('.down.', '.up.');
    const migration = migrations.find(({ file }) => file === undone);
    if (!migration) throw invalidSource(`${down.file} undoes nothing: ${undone} is missing`);
    migration.down = down;
  }
  if (migrations.length === 0) throw invalidSource(`${dir} holds no migration (0001_name.up.${EXTENSIONS[engine]})`);
  return migrations;
}

/** Skips what a mounted ConfigMap keeps beside its files (`..data`). */
async function listFiles(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => !name.startsWith('.'));
  } catch (error) {
    throw invalidSource(`cannot read the migrations in ${dir}: ${messageOf(error)}`);
  }
}

function invalidSource(message: string): JobError {
  return new JobError('InvalidSource', message);
}
