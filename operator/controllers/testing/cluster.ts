/** A control plane with our CRDs, a played kubelet, and operators to start and kill: what the controllers' tests run on. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { startControlPlane } from '@orderplane/hack/testing/control-plane.ts';
import { RELEASE_IMAGES } from '../../resources/release-images.ts';
import type { Images, Releases } from '../../resources/images.ts';
import { OPERATOR_NAME, OPERATOR_NAMESPACE, operatorInstallation } from '../../resources/install.ts';
import {
  createClient,
  createManager,
  CustomResourceDefinitions,
  defineResource,
  isConditionTrue,
  Namespaces,
  silentLogger,
  type Client,
  type Clock,
  type KubeObject,
  type Resource,
} from '../../runtime/index.ts';
import type { Renderer } from '../deps.ts';
import { registerControllers, type ControllersOptions } from '../index.ts';
import { accessOf, auditEvents, isMutation, type AuditEvent } from './audit-log.ts';
import { eventually } from './eventually.ts';
import { startKubelet, type FakeKubelet } from './kubelet.ts';
import { exercisedRights, refusedRight } from './rights.ts';

export interface RunningOperator {
  /** Resolves when nothing is queued or worked on any more, and all events are told. */
  idle(): Promise<void>;
  /** Stops without finishing anything, much as a kill -9 does. */
  kill(): Promise<void>;
  /** Closes the connections of a killed one. */
  close(): Promise<void>;
}

export interface OperatorOptions {
  /** Instead of the cluster's own, such as that of a gate. */
  kubeconfig?: string;
  /** Sees these only, and leaves the rest to other operators. */
  namespaces?: readonly string[];
  /** Listed beside its own. */
  releases?: Releases;
  clock?: Clock;
}

export interface TestCluster {
  client: Client;
  /** Path of a kubeconfig with full rights. */
  kubeconfig: string;
  kubelet: FakeKubelet;
  /** Path of a kubeconfig with the rights of the operator as it is installed, and no others. */
  operatorKubeconfig: string;
  /** One JSON line a request. */
  auditLogPath: string;
  startOperator(images?: Partial<Images>, renderer?: Renderer, options?: OperatorOptions): RunningOperator;
  /** A namespace of its own for a test. */
  namespace(): Promise<string>;
  /** Rights that operators have made use of so far, and those that they were refused for. */
  rights(): Promise<{ used: Set<string>; refused: Set<string> }>;
  /** Mutating requests of operators so far, as `verb resource/subresource namespace/name`, events and leases aside. */
  writes(namespace: string): Promise<string[]>;
  stop(): Promise<void>;
}

const USER_AGENT = 'orderplane-operator-under-test';
const CRDS = join(import.meta.dirname, '../../../crds');

/** @param options.controllerManager whether kube-controller-manager runs: without, somebody else has to play it. */
export async function startTestCluster({ controllerManager = true } = {}): Promise<TestCluster> {
  const plane = await startControlPlane({ name: 'controllers', controllerManager, audit: true });
  const client = createClient({ kubeconfig: { path: plane.kubeconfig }, userAgent: 'test' });
  await installDefinitions(client);
  const auditLogPath = plane.auditLogPath ?? '';
  const operatorKubeconfig = await asOperator(client, plane.kubeconfig);
  const kubelet = await startKubelet(client);
  const operators = new Set<RunningOperator>();
  let namespaces = 0;
  return {
    client,
    kubeconfig: plane.kubeconfig,
    kubelet,
    operatorKubeconfig,
    auditLogPath,
    startOperator(images = {}, renderer, { kubeconfig = operatorKubeconfig, namespaces, releases, clock } = {}) {
      const operator = startOperator(
        { kubeconfig, namespaces },
        {
          images: { ...RELEASE_IMAGES, ...images },
          ...(renderer && { renderer }),
          ...(releases && { releases }),
          ...(clock && { clock }),
        },
      );
      operators.add(operator);
      return operator;
    },
    async namespace() {
      const name = `test-${++namespaces}`;
      await client.create(Namespaces, { metadata: { name } });
      return name;
    },
    rights: () => auditedRights(auditLogPath),
    writes: (namespace) => auditedWrites(auditLogPath, namespace),
    async stop() {
      await Promise.all([...operators].map((operator) => operator.kill()));
      await kubelet.stop();
      await plane.stop();
      await Promise.all([client.close(), ...[...operators].map((operator) => operator.close())]);
    },
  };
}

/** Gives an API server our kinds. */
export async function installDefinitions(client: Client): Promise<void> {
  for (const file of await readdir(CRDS)) {
    const crd = parse(await readFile(join(CRDS, file), 'utf8'));
    await client.apply(CustomResourceDefinitions, crd);
    await eventually(`${file} is established`, async () => {
      const stored = await client.get(CustomResourceDefinitions, { namespace: '', name: crd.metadata.name });
      return isConditionTrue(stored?.status?.conditions, 'Established');
    });
  }
}

/** A kubeconfig with the rights of the operator as it is installed, and no others. */
async function asOperator(client: Client, adminKubeconfig: string): Promise<string> {
  const rights = operatorInstallation({ operatorImage: RELEASE_IMAGES.operator }).filter(
    ({ kind }) => kind !== 'Deployment' && kind !== 'ConfigMap',
  );
  for (const object of rights) await client.apply(resourceOf(object), object);
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/serviceaccounts/${OPERATOR_NAME}/token`;
  const request = {
    method: 'POST',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  } as const;
  const { token } = JSON.parse(await client.raw(path, request)).status;
  const config = parse(await readFile(adminKubeconfig, 'utf8'));
  const kubeconfig = join(dirname(adminKubeconfig), 'operator.kubeconfig');
  await writeFile(
    kubeconfig,
    stringify({ ...config, users: config.users.map(({ name }: { name: string }) => ({ name, user: { token } })) }),
  );
  return kubeconfig;
}

function resourceOf({ apiVersion = '', kind = '' }: KubeObject): Resource {
  const namespaced = ['ServiceAccount', 'Role', 'RoleBinding'].includes(kind);
  return defineResource(apiVersion, kind, `${kind.toLowerCase()}s`, { namespaced });
}

function startOperator(
  { kubeconfig, namespaces }: { kubeconfig: string; namespaces: readonly string[] | undefined },
  options: Omit<ControllersOptions, 'client'>,
): RunningOperator {
  const stop = new AbortController();
  const client = createClient({ kubeconfig: { path: kubeconfig }, userAgent: USER_AGENT });
  const manager = createManager({ client, log: silentLogger, gracePeriodMs: 0, ...(namespaces && { namespaces }) });
  registerControllers(manager, { client, ...options });
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
      await manager.recorder.flush();
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

/** What operators have asked for so far. */
function audited(logPath: string): Promise<AuditEvent[]> {
  return Array.fromAsync(auditEvents(logPath, USER_AGENT));
}

async function auditedRights(logPath: string): Promise<{ used: Set<string>; refused: Set<string> }> {
  const events = await audited(logPath);
  return {
    used: new Set(events.flatMap(exercisedRights)),
    refused: new Set(events.flatMap((event) => refusedRight(event) ?? [])),
  };
}

async function auditedWrites(logPath: string, namespace: string): Promise<string[]> {
  const ours = (await audited(logPath)).filter(isMutation).filter(({ objectRef }) => objectRef.namespace === namespace);
  return ours
    .filter(({ objectRef }) => objectRef.resource !== 'events')
    .map((event) => `${accessOf(event)} ${event.objectRef.name ?? ''}`);
}
