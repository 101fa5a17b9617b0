/**
 * A node for the pods of Jobs: each runs for real, as a process of this machine, with what its ConfigMap and its Secrets hold. The API server
 * asks it for their logs as it asks a kubelet.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePki } from '@orderplane/hack/cluster/certificates.ts';
import { JOB_CONTAINER } from '../../resources/job.ts';
import {
  ConfigMaps,
  createManager,
  defineResource,
  keyOf,
  Pods,
  Secrets,
  silentLogger,
  toKubeTime,
  type Client,
  type ObjectKey,
  type Pod,
} from '../../runtime/index.ts';
import type { FakeKubelet } from './kubelet.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
const Nodes = defineResource('v1', 'Node', 'nodes', { namespaced: false });
const NODE = 'jobs';

export interface JobNode {
  /** The programs that run now, by the name of their pod. */
  running(): ReadonlyMap<string, ChildProcess>;
  stop(): Promise<void>;
}

/**
 * @param only the pods that it runs, by name; the others are the played kubelet's
 * @param variables of every program, beside those of its pod
 */
export async function startJobNode(
  client: Client,
  kubelet: FakeKubelet,
  only: RegExp,
  variables: Readonly<Record<string, string>> = {},
): Promise<JobNode> {
  const folder = await mkdtemp(join(tmpdir(), 'orderplane-job-node-'));
  const logs = new Map<string, string[]>();
  const programs = new Map<string, ChildProcess>();
  const server = await serveLogs(join(folder, 'pki'), logs);
  await registerNode(client, (server.address() as AddressInfo).port);
  await kubelet.behave(only, { kind: 'hold' });

  const resultOf = ({ name }: ObjectKey) => join(folder, `${name}.result`);
  const stop = new AbortController();
  const manager = createManager({ client, log: silentLogger, name: 'job-node' });
  const pods = manager.informer(Pods);
  manager.controller({
    name: 'job-node',
    for: pods,
    concurrency: 8,
    async reconcile(key) {
      const pod = pods.get(key);
      const program = programs.get(key.name);
      if (!pod || pod.metadata.deletionTimestamp) {
        program?.kill('SIGKILL');
        if (pod && only.test(key.name)) await client.delete(Pods, key, { gracePeriodSeconds: 0 });
      } else if (only.test(key.name) && !program && !pod.status?.containerStatuses) {
        await run(pod);
      }
      return { kind: 'done' };
    },
  });

  async function run(pod: Pod): Promise<void> {
    const key = keyOf(pod);
    const { name } = key;
    const lines: string[] = [];
    logs.set(`${key.namespace}/${name}/${JOB_CONTAINER}`, lines);
    await bind(client, key);
    const env = { ...variables, ...(await environment(client, folder, pod)), ORDERPLANE_RESULT: resultOf(key) };
    const [command = ''] = pod.spec?.containers[0]?.args ?? [];
    const child = spawn(process.execPath, [MAIN, command], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    programs.set(name, child);
    child.stdout.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    const startedAt = toKubeTime(new Date());
    await report(client, key, 'Running', { running: { startedAt } });
    child.once('close', (exitCode) => void ended(key, exitCode, startedAt).catch(() => {}));
  }

  /** The namespace may be gone by then. */
  async function ended(key: ObjectKey, exitCode: number | null, startedAt: string): Promise<void> {
    programs.delete(key.name);
    const message = await readFile(resultOf(key), 'utf8').catch(() => '');
    const terminated = { exitCode: exitCode ?? 137, message, startedAt, finishedAt: toKubeTime(new Date()) };
    await report(client, key, exitCode === 0 ? 'Succeeded' : 'Failed', { terminated });
  }

  const running = manager.run(stop.signal);
  await pods.synced();
  return {
    running: () => programs,
    async stop() {
      stop.abort();
      await running;
      for (const program of programs.values()) program.kill('SIGKILL');
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function registerNode(client: Client, port: number): Promise<void> {
  await client.create(Nodes, { metadata: { name: NODE } });
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  await client.mergePatch(Nodes, { namespace: '', name: NODE }, { status }, { subresource: 'status' });
}

async function bind(client: Client, { namespace, name }: ObjectKey): Promise<void> {
  const target = { apiVersion: 'v1', kind: 'Node', name: NODE };
  const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
  await client.raw(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, { method: 'POST', body });
}

async function report(client: Client, key: ObjectKey, phase: string, state: object): Promise<void> {
  const main = { name: JOB_CONTAINER, image: 'job', imageID: 'job', ready: 'running' in state, restartCount: 0, state };
  await client.mergePatch(Pods, key, { status: { phase, containerStatuses: [main] } }, { subresource: 'status' });
}

/** The variables of the pod, with its files where this machine has room for them. */
async function environment(client: Client, folder: string, pod: Pod): Promise<Record<string, string>> {
  const { namespace = '', labels = {}, name } = pod.metadata;
  const config = await client.get(ConfigMaps, { namespace, name: labels['batch.kubernetes.io/job-name'] ?? '' });
  const { 'input.json': input = '{}', ...files } = config?.data ?? {};
  const dir = join(folder, name);
  await mkdir(dir, { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(dir, file), text);
  const inputFile = join(folder, `${name}.input`);
  const mounted = await withVolumes(folder, pod, input);
  await writeFile(inputFile, JSON.stringify({ ...JSON.parse(mounted), source: { dir } }));
  const given: [string, string][] = [];
  for (const { name: variable, value, valueFrom } of pod.spec?.containers[0]?.env ?? []) {
    const { name: secret = '', key = '' } = valueFrom?.secretKeyRef ?? {};
    const found = value === undefined ? await client.get(Secrets, { namespace, name: secret }) : undefined;
    given.push([variable, value ?? Buffer.from(found?.data?.[key] ?? '', 'base64').toString()]);
  }
  return { PATH: process.env.PATH ?? '', ...Object.fromEntries(given), ORDERPLANE_INPUT: inputFile };
}

/** The input with the folders of volume claims where this machine has room for them; a claim has one for all pods. */
async function withVolumes(folder: string, { metadata, spec }: Pod, input: string): Promise<string> {
  let mounted = input;
  for (const { name, mountPath } of spec?.containers[0]?.volumeMounts ?? []) {
    const claim = spec?.volumes?.find((volume) => volume.name === name)?.persistentVolumeClaim?.claimName;
    if (!claim) continue;
    const volume = join(folder, 'volumes', metadata.namespace ?? '', claim);
    await mkdir(volume, { recursive: true });
    mounted = mounted.replaceAll(JSON.stringify(mountPath), JSON.stringify(volume));
  }
  return mounted;
}

/** The part of a kubelet that gives out logs: /containerLogs/<namespace>/<pod>/<container>?tailLines=… */
async function serveLogs(pkiFolder: string, logs: ReadonlyMap<string, string[]>) {
  const pki = await ensurePki(pkiFolder, { serverHosts: ['localhost'], serverAddresses: ['127.0.0.1'], clients: [] });
  const [cert, key] = await Promise.all([readFile(pki.server.certificate), readFile(pki.server.key)]);
  const server = createServer({ cert, key }, ({ url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, 'https://kubelet');
    const lines = logs
      .get(pathname.replace(/^\/containerLogs\//, ''))
      ?.join('')
      .trimEnd()
      .split('\n');
    response.statusCode = lines ? 200 : 404;
    response.end((lines ?? []).slice(-Number(searchParams.get('tailLines') ?? 1_000)).join('\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
