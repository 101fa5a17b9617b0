import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { access, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createClient,
  Namespaces,
  PersistentVolumeClaims,
  PersistentVolumes,
  Pods,
  Services,
  type Client,
  type KubeObject,
  type Pod,
} from '@orderplane/operator/runtime/index.ts';
import { silentProgress } from '../progress.ts';
import { runCommand } from '../toolchain/command.ts';
import { ensureGo } from '../toolchain/go.ts';
import { embeddedProvider, type Cluster, type ClusterProvider } from './index.ts';
import { readConfig } from './config.ts';
import { egressTable } from './host-network.ts';
import { clusterLayout, type ClusterLayout } from './layout.ts';
import { nodeNetwork } from './network.ts';
import { writeBinaryImage } from './oci.ts';
import { freePorts } from './ports.ts';
import { currentState } from './status.ts';

const NAMESPACE = 'node-test';
const IMAGE = 'localhost/orderplane-test/echo:1';

/** Resolves with the first answer that is not undefined. */
async function eventually<T>(what: string, ask: () => Promise<T | undefined>, timeoutMs = 30_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await delay(100);
  }
}

/** Processes of the whole machine that share a PID namespace, zombies left out. */
async function processesIn(pidNamespace: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const namespaces = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/pid`).catch(() => '')));
  return pids.filter((_, index) => namespaces[index] === pidNamespace);
}

const exists = (path: string) => access(path).then(() => true, () => false); // prettier-ignore

/** What the host would show of a node that is gone or going. */
async function hostState(layout: ClusterLayout) {
  const config = await readConfig(layout);
  const link = config && nodeNetwork(config.slot).interface;
  return {
    links: (await runCommand('ip', ['-json', 'link'])).includes(`"${link}"`),
    tables: (await runCommand('nft', ['list', 'tables'])).includes(egressTable(layout.name)),
    mounts: (await readFile('/proc/self/mounts', 'utf8')).split('\n').filter((line) => line.includes(layout.dir)),
    folders: [
      await exists('/var/lib/kubelet'),
      await exists('/run/containerd'),
      await exists('/run/netns'),
      await exists('/var/log/pods'),
    ],
  };
}

function pod(): Pod {
  return {
    metadata: { name: 'echo', namespace: NAMESPACE, labels: { app: 'echo' } },
    spec: {
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        fsGroup: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'echo',
          image: IMAGE,
          readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    },
  } as unknown as Pod;
}

describe('the embedded node', () => {
  let folder: string;
  let home: string;
  let provider: ClusterProvider;
  let cluster: Cluster;
  let client: Client;
  let listen: number;
  let before: Awaited<ReturnType<typeof hostState>>;

  const layout = () => clusterLayout('node-test', home);
  const up = () =>
    provider.up(
      { fsync: false, forwards: [{ listen, namespace: NAMESPACE, service: 'echo', port: 8080 }] },
      silentProgress,
    );
  const url = (path: string) => `http://localhost:${listen}${path}`;
  const ready = async () => {
    const found = await client.get(Pods, { namespace: NAMESPACE, name: 'echo' });
    return found?.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')
      ? found
      : undefined;
  };
  const value = async () => {
    const response = await fetch(url('/value'));
    return response.ok ? response.text() : undefined;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orderplane-node-'));
    home = join(folder, 'home');
    [listen = 0] = await freePorts(1);
    provider = embeddedProvider({ name: 'node-test', home, userKubeconfig: join(folder, 'kubeconfig') });
    before = await hostState(layout());
    cluster = await up();
    client = createClient({ kubeconfig: { path: cluster.kubeconfigPath, context: cluster.context } });
    await cluster.importImages([await echoImage(folder)], silentProgress);
  }, 120_000);

  afterAll(async () => {
    await client?.close();
    await provider.down(silentProgress);
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  test('says on localhost what is missing while a forwarded Service is not there', async () => {
    const response = await fetch(url('/value'));
    expect(response.status).toBe(503);
    expect(await response.text()).toContain(
      'echo:8080 in namespace node-test cannot be reached: there is no such Service yet',
    );
  });

  test('runs a pod with a volume under Pod Security restricted, reached by DNS name and from the host', async () => {
    await client.create(Namespaces, {
      metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    await client.create(PersistentVolumeClaims, {
      metadata: { name: 'data', namespace: NAMESPACE },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    await client.create(Services, {
      metadata: { name: 'echo', namespace: NAMESPACE },
      spec: { selector: { app: 'echo' }, ports: [{ port: 8080 }] },
    } as KubeObject);
    await eventually('the pod is accepted', () => client.create(Pods, pod()));
    await eventually('the pod is Ready', ready);

    await eventually(
      'a value is stored',
      async () => (await fetch(url('/value'), { method: 'PUT', body: 'kept' })).ok || undefined,
    );
    // From the pod through DNS and the Service to itself: needs the way back through kube-proxy's translation too.
    const byName = await fetch(url(`/fetch?url=http://echo.${NAMESPACE}.svc:8080/value`));
    expect([byName.status, await byName.text()]).toEqual([200, 'kept']);
  }, 60_000);

  test('up again changes nothing', async () => {
    const daemon = (await currentState(layout()))?.daemonPid;
    await up();
    expect((await currentState(layout()))?.daemonPid).toBe(daemon);
  });

  test('starts again what dies', async () => {
    const state = await currentState(layout());
    const processes = await processesIn(await readlink(`/proc/${state?.nodePid}/ns/pid`));
    const names = await Promise.all(processes.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8')));
    process.kill(Number(processes[names.indexOf('kube-apiserver\n')]), 'SIGKILL');
    await eventually('the API server is restarted', async () =>
      (await currentState(layout()))?.components.find(
        ({ name, restarts, running }) => name === 'kube-apiserver' && restarts === 1 && running,
      ),
    );
    expect(await eventually('the pod is seen again', ready)).toMatchObject({
      status: { containerStatuses: [{ restartCount: 0 }] },
    });
  }, 60_000);

  test('leaves nothing on the host when its daemon is killed, and comes back with its data', async () => {
    const state = await currentState(layout());
    const pidNamespace = await readlink(`/proc/${state?.nodePid}/ns/pid`);
    expect((await processesIn(pidNamespace)).length).toBeGreaterThan(8);
    const uid = (await ready())?.metadata.uid;

    process.kill(state?.daemonPid as number, 'SIGKILL');
    await eventually('all processes are gone', async () =>
      (await processesIn(pidNamespace)).length === 0 ? true : undefined,
    );
    await eventually('the host is as before', async () => {
      expect(await hostState(layout())).toEqual(before);
      return true;
    });

    await up();
    const back = await eventually('the pod is Ready again', ready);
    expect(back.metadata.uid).toBe(uid);
    expect(back.status?.containerStatuses?.[0]?.restartCount).toBe(1);
    expect(await eventually('the value is read', value)).toBe('kept');
  }, 60_000);

  test('removes the folder of a claim that is deleted', async () => {
    const volumes = await readdir(layout().volumes);
    expect(volumes).toHaveLength(1);
    await client.delete(Pods, { namespace: NAMESPACE, name: 'echo' }, { gracePeriodSeconds: 0 });
    await client.delete(PersistentVolumeClaims, { namespace: NAMESPACE, name: 'data' });
    await eventually('the volume is gone', async () =>
      (await client.list(PersistentVolumes)).items.length === 0 ? true : undefined,
    );
    expect(await readdir(layout().volumes)).toEqual([]);
  }, 60_000);

  test('down leaves nothing', async () => {
    await provider.down(silentProgress);
    expect(await hostState(layout())).toEqual(before);
    expect(await exists(home)).toBe(false);
    expect(await runCommand('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', 'orderplane-node-test'])).toBe('');
    expect((await provider.status()).phase).toBe('absent');
  }, 60_000);
});

async function echoImage(dir: string): Promise<{ reference: string; archive: string }> {
  const go = await ensureGo(silentProgress);
  const binary = join(dir, 'echo');
  await runCommand(go.binary, ['build', '-trimpath', '-ldflags', '-s -w', '-o', binary, '.'], {
    cwd: join(import.meta.dirname, 'fixtures', 'echo'),
    env: go.env,
  });
  const image = { reference: IMAGE, archive: join(dir, 'echo.tar') };
  await writeBinaryImage(image.archive, { ...image, binary });
  return image;
}
