/** Postgres's own programs, which the operator's image brings: how they are told the server, run, and quoted. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import type { JobEnv } from '../job.ts';

/** Where the image has them: programs, libraries and loader, so that they run on whatever base. */
const DEFAULT_FOLDER = '/opt/postgres';
const KILL_AFTER_MS = 2_000;
/** Verifying modes of our own driver: it takes `require` and `prefer` for `verify-full`. */
const VERIFYING = new Set(['prefer', 'require', 'verify-ca', 'verify-full']);

export type Program = 'pg_dump' | 'pg_restore' | 'psql';

export interface ClientPrograms {
  /** Variables that name server, database and login. A password on a command line would be everybody's to read. */
  environment: Readonly<Record<string, string>>;
  folder: string;
  signal: AbortSignal;
}

/** Calls `use` with the programs set up for one database of a server; certificates that they need are there meanwhile. */
export async function withClientPrograms<T>(
  {
    uri,
    database,
    name,
    env,
    signal,
  }: { uri: string; database: string; name: string; env: JobEnv; signal: AbortSignal },
  use: (programs: ClientPrograms) => Promise<T>,
): Promise<T> {
  const files = await mkdtemp(join(tmpdir(), 'orderplane-postgres-'));
  try {
    const environment = await connectionEnvironment(uri, { database, name, files });
    return await use({ environment, folder: env.ORDERPLANE_POSTGRES_CLIENT || DEFAULT_FOLDER, signal });
  } finally {
    await rm(files, { recursive: true, force: true });
  }
}

/** The same server for another database. */
export function inDatabase(programs: ClientPrograms, database: string): ClientPrograms {
  return { ...programs, environment: { ...programs.environment, PGDATABASE: database } };
}

/** What libpq is to be told, so that it connects as our own driver does with this URI. */
export async function connectionEnvironment(
  uri: string,
  { database, name, files }: { database: string; name: string; files: string },
): Promise<Record<string, string>> {
  const url = new URL(uri);
  const { searchParams: options } = url;
  const mode = options.get('sslmode') ?? 'disable';
  const authority = options.get('sslrootcert');
  return {
    PGHOST: options.get('host') ?? decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    PGPORT: url.port || options.get('port') || '5432',
    PGUSER: decodeURIComponent(url.username),
    PGPASSWORD: decodeURIComponent(url.password),
    PGDATABASE: database,
    PGAPPNAME: name.slice(0, 63),
    PGCONNECT_TIMEOUT: '10',
    // A server that is gone without a word is noticed within a minute, not within hours.
    PGOPTIONS: '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3',
    ...(VERIFYING.has(mode)
      ? { PGSSLMODE: 'verify-full', PGSSLROOTCERT: authority ?? (await publicAuthorities(files)) }
      : { PGSSLMODE: mode === 'no-verify' ? 'require' : mode }),
    LC_ALL: 'C.UTF-8',
  };
}

async function publicAuthorities(folder: string): Promise<string> {
  const file = join(folder, 'authorities.pem');
  await writeFile(file, rootCertificates.join('\n'));
  return file;
}

/** A program that was started. It gets a signal to end when the Job does, and is killed where that is not enough. */
export interface RunningProgram {
  stdin: Writable;
  stdout: Readable;
  /** Rejects with what the program said, where it did not end well. */
  ended: Promise<void>;
  stop(): void;
}

/** @param onLine called with each line that it writes to stderr, such as those of `--verbose` */
export function startProgram(
  { environment, folder, signal }: ClientPrograms,
  program: Program,
  args: readonly string[],
  onLine: (line: string) => void = () => {},
): RunningProgram {
  const library = join(folder, 'lib');
  const command = [join(library, 'ld.so'), '--library-path', library, join(folder, 'bin', program), ...args];
  const child = spawn(command[0] as string, command.slice(1), { env: environment, stdio: 'pipe' });
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    onLine(line);
    if (/(error|fatal|panic|detail|hint):/i.test(line)) said.push(line);
    if (said.length > 6) said.pop();
  });
  // What ends first closes the pipe; the exit status says why.
  child.stdin.on('error', () => {});
  const stop = (): void => endProcess(child);
  signal.addEventListener('abort', stop, { once: true });
  const ended = endOf(child, program, said).finally(() => signal.removeEventListener('abort', stop));
  ended.catch(() => {});
  if (signal.aborted) stop();
  return { stdin: child.stdin, stdout: child.stdout, ended, stop };
}

async function endOf(child: ChildProcess, program: Program, said: readonly string[]): Promise<void> {
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (code === 0) return;
    const words = said.map((line) => line.replace(/^(psql:<stdin>:\d+|pg_\w+|psql): /, '').trim()).join(' ');
    throw new Error(words || `${program} ended with ${signal ?? `exit status ${code}`}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`${program} is not in this image: Jobs that take restore points run the operator's own image`);
  }
}

function endProcess(child: ChildProcess): void {
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
  child.once('close', () => clearTimeout(kill));
}
