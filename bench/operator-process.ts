/** The operator as its image runs it: bundled, in a process of its own, so that what it costs is told apart from the benchmark's own. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { eventually } from '../operator/controllers/testing/eventually.ts';
import { freePorts } from '@orderplane/hack/cluster/ports.ts';
import { startProcess, stopProcess } from '@orderplane/hack/cluster/process.ts';
import { withBundles } from '@orderplane/hack/images/bundle.ts';
import type { Progress } from '@orderplane/hack/progress.ts';
import { root } from '@orderplane/hack/root.ts';

export interface OperatorProcess {
  /** Seconds of processor time that it has used so far. */
  cpuSeconds(): Promise<number>;
  /** Resident memory, in MiB: now, and the most it ever had. */
  memory(): Promise<{ now: number; most: number }>;
  stop(): Promise<void>;
}

const TICKS_PER_SECOND = 100; // of /proc, on every Linux that Node runs on
const GRACE_MS = 10_000;
/** About what Node gives itself under the memory limit of the operator's pod, 384 MiB. */
const HEAP = ['--max-old-space-size=192', '--max-semi-space-size=2'];

/** The place of a pod's credentials, in a mount namespace of its own; a kubeconfig would load all of client-node, which no pod does. */
const IN_POD = [
  'mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io',
  'ln -s "$0" /run/secrets/kubernetes.io/serviceaccount',
  'exec setpriv --pdeathsig KILL -- "$@"',
].join(' && ');

/** Resolves when its caches are synced. */
export async function startOperatorProcess(
  { kubeconfig, folder }: { kubeconfig: string; folder: string },
  report: Progress,
): Promise<OperatorProcess> {
  await withBundles(['operator'], report, async () => {});
  const [port] = await freePorts(1);
  const { server, ca, token } = await loginOf(kubeconfig);
  const serviceAccount = join(folder, 'service-account');
  await mkdir(serviceAccount);
  await writeFile(join(serviceAccount, 'ca.crt'), ca);
  await writeFile(join(serviceAccount, 'token'), token);
  const log = join(folder, 'operator.log');
  const program = [process.execPath, ...HEAP, join(root, 'dist/operator/orderplane.mjs'), 'run', '--no-leader-elect'];
  const operator = await startProcess({
    name: 'operator',
    command: 'unshare',
    args: ['--map-root-user', '--mount', 'sh', '-c', IN_POD, serviceAccount, ...program],
    log,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      KUBERNETES_SERVICE_HOST: server.hostname,
      KUBERNETES_SERVICE_PORT: server.port,
      MANAGEMENT_PORT: String(port),
    },
  });
  await eventually('the operator is ready', async () => {
    if (operator.hasExited()) throw new Error(`the operator ended:\n${await readFile(log, 'utf8')}`);
    return fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  const proc = (file: string) => readFile(`/proc/${operator.pid}/${file}`, 'utf8');
  return {
    async cpuSeconds() {
      const [, rest = ''] = (await proc('stat')).split(') '); // the name before it may have spaces
      const fields = rest.split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    async memory() {
      const status = await proc('status');
      const mebibytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
      return { now: mebibytes('VmRSS'), most: mebibytes('VmHWM') };
    },
    stop: () => stopProcess(operator, GRACE_MS),
  };
}

async function loginOf(kubeconfig: string): Promise<{ server: URL; ca: Buffer; token: string }> {
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8'));
  const [{ cluster }] = clusters;
  const ca = Buffer.from(cluster['certificate-authority-data'], 'base64');
  return { server: new URL(cluster.server), ca, token: users[0].user.token };
}
