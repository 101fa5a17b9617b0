/** A control plane with our CRDs, a played kubelet, and operators to start and kill: what the controllers' tests run on. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startControlPlane } from '@orderplane/hack/testing/control-plane.ts';
import { RELEASE_IMAGES } from '../../resources/release-images.ts';
import type { Images } from '../../resources/images.ts';
import {
  createClient,
  createManager,
  CustomResourceDefinitions,
  isConditionTrue,
  Namespaces,
  silentLogger,
  type Client,
} from '../../runtime/index.ts';
import { registerControllers } from '../index.ts';
import { eventually } from './eventually.ts';
import { startKubelet, type FakeKubelet } from './kubelet.ts';

export interface RunningOperator {
  /** Resolves when nothing is queued or worked on any more. */
  idle(): Promise<void>;
  /** Stops without finishing anything, much as a kill -9 does. */
  kill(): Promise<void>;
  /** Closes the connections of a killed one. */
  close(): Promise<void>;
}

export interface TestCluster {
  client: Client;
  kubelet: FakeKubelet;
  startOperator(images?: Partial<Images>): RunningOperator;
  /** A namespace of its own for a test. */
  namespace(): Promise<string>;
  /** Mutating requests of operators so far, as `verb resource/subresource namespace/name`, events and leases aside. */
  writes(namespace: string): Promise<string[]>;
  stop(): Promise<void>;
}

const USER_AGENT = 'orderplane-operator-under-test';
const CRDS = join(import.meta.dirname, '../../../crds');

export async function startTestCluster(): Promise<TestCluster> {
  const plane = await startControlPlane({ name: 'controllers', controllerManager: true, audit: true });
  const client = createClient({ kubeconfig: { path: plane.kubeconfig }, userAgent: 'test' });
  for (const file of await readdir(CRDS)) {
    const crd = parse(await readFile(join(CRDS, file), 'utf8'));
    await client.apply(CustomResourceDefinitions, crd);
    await eventually(`${file} is established`, async () => {
      const stored = await client.get(CustomResourceDefinitions, { namespace: '', name: crd.metadata.name });
      return isConditionTrue(stored?.status?.conditions, 'Established');
    });
  }
  const kubelet = await startKubelet(client);
  const operators = new Set<RunningOperator>();
  let namespaces = 0;
  return {
    client,
    kubelet,
    startOperator(images = {}) {
      const operator = startOperator(plane.kubeconfig, { ...RELEASE_IMAGES, ...images });
      operators.add(operator);
      return operator;
    },
    async namespace() {
      const name = `test-${++namespaces}`;
      await client.create(Namespaces, { metadata: { name } });
      return name;
    },
    writes: async (namespace) => auditedWrites(await readFile(plane.auditLogPath ?? '', 'utf8'), namespace),
    async stop() {
      await Promise.all([...operators].map((operator) => operator.kill()));
      await kubelet.stop();
      await plane.stop();
      await Promise.all([client.close(), ...[...operators].map((operator) => operator.close())]);
    },
  };
}

function startOperator(kubeconfig: string, images: Images): RunningOperator {
  const stop = new AbortController();
  const client = createClient({ kubeconfig: { path: kubeconfig }, userAgent: USER_AGENT });
  const manager = createManager({ client, log: silentLogger, gracePeriodMs: 0 });
  registerControllers(manager, { client, images });
  const running = manager.run(stop.signal);
  return {
    async idle() {
      let quiet = 0;
      await eventually('the operator is idle', async () => {
        const values = await Promise.all(
          ['workqueue_depth', 'controller_runtime_active_workers'].map((name) => total(manager, name)),
        );
        quiet = manager.isReady() && values.every((value) => value === 0) ? quiet + 1 : 0;
        return quiet >= 12;
      });
    },
    kill() {
      stop.abort();
      return running;
    },
    close: () => client.close(),
  };
}

async function total(manager: ReturnType<typeof createManager>, name: string): Promise<number> {
  const metric = await manager.registry.getSingleMetric(name)?.get();
  return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0);
}

interface AuditEntry {
  verb: string;
  userAgent?: string;
  stage: string;
  objectRef?: { resource: string; subresource?: string; namespace?: string; name?: string };
}

const MUTATING = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

function auditedWrites(log: string, namespace: string): string[] {
  return log
    .split('\n')
    .filter((line) => line.includes(USER_AGENT))
    .map((line) => JSON.parse(line) as AuditEntry)
    .filter(({ verb, stage, objectRef }) => {
      const isOurs = objectRef?.namespace === namespace && objectRef.resource !== 'events';
      return isOurs && stage === 'ResponseComplete' && MUTATING.has(verb);
    })
    .map(({ verb, objectRef }) => {
      const { resource = '', subresource, name = '' } = objectRef ?? {};
      return `${verb} ${subresource ? `${resource}/${subresource}` : resource} ${name}`;
    });
}
