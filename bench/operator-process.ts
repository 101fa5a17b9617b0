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
import { OPERATOR_NODE_OPTIONS } from '../operator/resources/install.ts';
import { cpuSeconds, memoryOf, type Memory } from './proc.ts';

export interface OperatorProcess {
  /** Seconds of processor time that it has used so far. */
  cpuSeconds(): Promise<number>;
  memory(): Promise<Memory>;
  stop(): Promise<void>;
}

const GRACE_MS = 10_000;
/** About what Node gives itself under the memory limit of the operator's pod, 384 MiB. */
const HEAP = '--max-old-space-size=192';

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
  const program = [
    process.execPath,
    HEAP,
    OPERATOR_NODE_OPTIONS,
    join(root, 'dist/operator/orderplane.mjs'),
    'run',
    '--no-leader-elect',
  ];
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
  return {
    cpuSeconds: () => cpuSeconds(operator.pid),
    memory: () => memoryOf(operator.pid),
    stop: () => stopProcess(operator, GRACE_MS),
  };
}

async function loginOf(kubeconfig: string): Promise<{ server: URL; ca: Buffer; token: string }> {
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8'));
  const [{ cluster }] = clusters;
  const ca = Buffer.from(cluster['certificate-authority-data'], 'base64');
  return { server: new URL(cluster.server), ca, token: users[0].user.token };
}
