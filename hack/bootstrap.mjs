/**
 * Runs a TypeScript program of this repository on the pinned Node, installing what it needs first.
 * Plain JavaScript without dependencies, because it is what runs in a fresh clone on whatever Node the host has.
 *
 *   node hack/bootstrap.mjs <program.ts> [arguments]
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_HOST_NODE = 20;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.orderplane-lock');
const lockFile = join(root, 'package-lock.json');
const pinnedNode = join(modules, 'node', 'bin', 'node');

function fail(message) {
  console.error(`orderplane: ${message}`);
  process.exit(1);
}

function dependenciesAreCurrent(wanted) {
  return existsSync(pinnedNode) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

/** Another `npm run` may be installing: whoever makes the folder first does it, the others wait for it. */
async function withInstallLock(work) {
  const lock = join(root, '.install-lock');
  for (let said = false; ; said = true) {
    try {
      mkdirSync(lock);
      writeFileSync(join(lock, 'pid'), String(process.pid));
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (lockIsStale(lock)) {
        rmSync(lock, { recursive: true, force: true });
        continue;
      }
      if (!said) console.log('waiting for another npm ci in this folder …');
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  try {
    await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function lockIsStale(lock) {
  try {
    const pid = Number(readFileSync(join(lock, 'pid'), 'utf8'));
    process.kill(pid, 0);
    return false;
  } catch (error) {
    if (error.code === 'ESRCH') return true;
    if (error.code === 'EPERM') return false;
    // No pid written yet: stale only when its maker had ample time to write it.
    return existsSync(lock) && Date.now() - statSync(lock).mtimeMs > 10_000;
  }
}

function install(wanted) {
  const started = Date.now();
  console.log('• installing npm dependencies (npm ci) …');
  // Install scripts run on the pinned Node, so its own comes first, and then what that Node needs of the system.
  npm('ci', '--ignore-scripts', '--no-audit', '--no-fund');
  npm('rebuild', 'node', '--ignore-scripts=false');
  if (!existsSync(pinnedNode)) fail('npm did not place the pinned Node: see its messages above');
  ensurePinnedNodeStarts();
  npm('rebuild', '--ignore-scripts=false');
  writeFileSync(stamp, wanted);
  console.log(`✓ npm dependencies (${Math.round((Date.now() - started) / 1000)} s)`);
}

function npm(command, ...args) {
  const { error, status } = spawnSync('npm', [command, ...args, '--loglevel=error'], {
    cwd: root,
    // npm tells on stdout how many packages it touched.
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (error) fail(`npm could not be started (${error.message}): install npm 10 or newer beside Node`);
  if (status !== 0)
    fail(`npm ${command} failed (exit ${status}): see its message above, then run the same command again`);
}

/** The pinned Node is linked against libatomic, which a Debian without a compiler lacks. */
function ensurePinnedNodeStarts() {
  const starts = () => spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' });
  const first = starts();
  if (first.status === 0) return;
  const reason = (first.stderr || first.error?.message || '').trim();
  if (!reason.includes('libatomic')) fail(`the pinned Node does not start: ${reason}`);
  console.log('• installing libatomic1, which the pinned Node needs …');
  const apt = (...aptArgs) =>
    spawnSync('apt-get', ['-qq', ...aptArgs], { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  if (
    !(apt('install', '-y', 'libatomic1') || (apt('update') && apt('install', '-y', 'libatomic1'))) ||
    starts().status !== 0
  ) {
    fail(
      'the pinned Node needs libatomic.so.1: install it (Debian: apt-get install libatomic1, Fedora: dnf install libatomic), then run this again',
    );
  }
}

const [program, ...args] = process.argv.slice(2);
if (!program) fail('usage: node hack/bootstrap.mjs <program.ts> [arguments]');
const major = Number(process.versions.node.split('.')[0]);
if (major < OLDEST_HOST_NODE)
  fail(`Node ${OLDEST_HOST_NODE} or newer is needed to start (this is ${process.versions.node})`);
if (!existsSync(lockFile)) fail('package-lock.json is missing: this is not a whole checkout');

const wanted = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
if (!dependenciesAreCurrent(wanted)) {
  await withInstallLock(() => dependenciesAreCurrent(wanted) || install(wanted));
}

ensurePinnedNodeStarts();
const child = spawn(pinnedNode, [join(root, program), ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${join(modules, '.bin')}:${process.env.PATH}` },
});
// The terminal sends Ctrl-C to the whole group; the program decides what it means, this parent only waits for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
}
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
