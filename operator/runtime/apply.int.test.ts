import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../../hack/testing/control-plane.ts';
import { APPLIED_HASH, applyIfChanged, applyStatusIfChanged } from './apply.ts';
import { createClient, type Client } from './client.ts';
import { setCondition } from './conditions.ts';
import { isConflict } from './errors.ts';
import {
  ConfigMaps,
  CustomResourceDefinitions,
  Deployments,
  Jobs,
  Namespaces,
  NetworkPolicies,
  PersistentVolumeClaims,
  Secrets,
  Services,
  StatefulSets,
  type CustomResourceDefinition,
  type Deployment,
  type Service,
} from './known-resources.ts';
import { defineResource, keyOf, type KubeObject, type Resource } from './resource.ts';
import { eventually } from './testing/eventually.ts';

jest.setTimeout(30_000);

interface Thing extends KubeObject {
  spec?: { size?: string };
  status?: object;
}
const Things = defineResource<Thing>('test.example/v1', 'Thing', 'things');

let controlPlane: ControlPlane;
let client: Client;
let namespace: string;
const sent: string[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane();
  client = createClient({ kubeconfig: { path: controlPlane.kubeconfig } });
  client.observe(({ method, code }) => void (method !== 'GET' && sent.push(`${method} ${code}`)));
  await client.apply(CustomResourceDefinitions, thingDefinition());
  await eventually('the CRD to be served', () =>
    client.list(Things).then(
      () => true,
      () => false,
    ),
  );
}, 120_000);

afterAll(async () => {
  await client.close();
  await controlPlane.stop();
});

beforeEach(async () => {
  namespace = `test-${Date.now()}`;
  await client.apply(Namespaces, { metadata: { name: namespace } });
  sent.length = 0;
});

/** Reconciles as a controller would: with what is stored now, as a fresh process that remembers nothing. */
async function visit<T extends KubeObject>(resource: Resource<T>, desired: T, process: Client = freshProcess()) {
  const current = await client.get(resource, keyOf(desired));
  return (await applyIfChanged(process, resource, desired, current)).action;
}

/** The same connections, none of the memory. */
const freshProcess = (): Client => ({ ...client });

const labels = { app: 'demo' };
const meta = (name: string) => ({ name, namespace, labels });

function deployment(): Deployment {
  return {
    metadata: meta('web'),
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          hostNetwork: false,
          automountServiceAccountToken: false,
          nodeSelector: {},
          initContainers: [],
          volumes: [
            { name: 'tmp', emptyDir: { sizeLimit: '0.5Gi' } },
            { name: 'plain', emptyDir: {} },
          ],
          containers: [
            {
              name: 'app',
              image: 'example/app:1',
              env: [
                { name: 'EMPTY', value: '' },
                { name: 'LEVEL', value: 'INFO' },
              ],
              ports: [{ name: 'http', containerPort: 8080 }],
              resources: { limits: { cpu: '1000m', memory: '1024Mi' }, requests: { cpu: '0.1', memory: '64Mi' } },
              volumeMounts: [{ name: 'tmp', mountPath: '/tmp', readOnly: false }],
              readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, initialDelaySeconds: 0, periodSeconds: 2 },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            },
          ],
        },
      },
    },
  };
}

function service(): Service {
  return {
    metadata: meta('web'),
    spec: {
      selector: labels,
      ports: [
        { name: 'http', port: 80, targetPort: 8080 },
        { name: 'metrics', port: 8081 },
      ],
    },
  };
}

const template = () => deployment().spec!.template;

describe('what is as desired', () => {
  const kinds: Record<string, () => [Resource, KubeObject]> = {
    Deployment: () => [Deployments, deployment()],
    StatefulSet: () => [
      StatefulSets,
      {
        metadata: meta('db'),
        spec: {
          serviceName: 'db',
          selector: { matchLabels: labels },
          template: template(),
          volumeClaimTemplates: [
            {
              metadata: { name: 'data' },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
            },
          ],
        },
      } as KubeObject,
    ],
    Service: () => [Services, service()],
    'headless Service': () => [
      Services,
      { ...service(), spec: { ...service().spec, clusterIP: 'None' } } as KubeObject,
    ],
    ConfigMap: () => [ConfigMaps, { metadata: meta('config'), data: { empty: '', 'a.json': '{}' } } as KubeObject],
    Secret: () => [
      Secrets,
      { metadata: meta('secret'), type: 'Opaque', data: { password: 'aHVudGVyMg==' } } as KubeObject,
    ],
    Job: () => [
      Jobs,
      {
        metadata: meta('once'),
        spec: { backoffLimit: 0, template: { spec: { ...template().spec, restartPolicy: 'Never' } } },
      } as KubeObject,
    ],
    PersistentVolumeClaim: () => [
      PersistentVolumeClaims,
      {
        metadata: meta('data'),
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5000Mi' } } },
      } as KubeObject,
    ],
    NetworkPolicy: () => [
      NetworkPolicies,
      {
        metadata: meta('deny'),
        spec: {
          podSelector: {},
          policyTypes: ['Ingress'],
          ingress: [{ ports: [{ port: 8080 }], from: [{ podSelector: { matchLabels: labels } }] }],
        },
      } as KubeObject,
    ],
  };
  test.each(Object.entries(kinds))('%s: causes no request, in a fresh process too', async (_, make) => {
    const [resource, desired] = make();
    expect(await visit(resource, desired)).toBe('created');
    sent.length = 0;
    expect(await visit(resource, desired)).toBe('unchanged');
    expect(sent).toEqual([]);
  });

  test('a value that the server stores in its own way is written once a process, not for ever', async () => {
    const desired = deployment();
    desired.spec!.template.spec!.containers[0]!.terminationMessagePath = ''; // becomes /dev/termination-log
    await visit(Deployments, desired);
    const process = freshProcess();
    expect(await visit(Deployments, desired, process)).toBe('updated');
    expect(await visit(Deployments, desired, process)).toBe('unchanged');
    await client.mergePatch(Deployments, keyOf(desired), { spec: { replicas: 5 } });
    expect(await visit(Deployments, desired, process)).toBe('updated');
  });

  test('a cache that has not seen our own write yet does not repeat it', async () => {
    const process = freshProcess();
    const stale = await client.create(ConfigMaps, { metadata: { name: 'lag', namespace }, data: { a: 'old' } });
    const desired = { metadata: { name: 'lag', namespace }, data: { a: 'new' } };
    expect((await applyIfChanged(process, ConfigMaps, desired, stale)).action).toBe('updated');
    expect((await applyIfChanged(process, ConfigMaps, desired, stale)).action).toBe('unchanged');
    expect((await applyIfChanged(process, ConfigMaps, { ...desired, data: { a: 'newer' } }, stale)).action).toBe(
      'updated',
    );
  });
});

describe('what is made as new', () => {
  const desired = { metadata: { name: 'new', namespace: '' }, data: { a: 'ours' } };

  test('is created where there is nothing, and owned by apply', async () => {
    const object = { ...desired, metadata: { name: 'new', namespace } };
    const { action } = await applyIfChanged(freshProcess(), ConfigMaps, object, undefined, { onlyNew: true });
    expect(action).toBe('created');
    expect(await visit(ConfigMaps, { ...object, data: {} })).toBe('updated');
    expect(await client.get(ConfigMaps, keyOf(object))).not.toHaveProperty('data');
  });

  test('is refused with Conflict, and nothing touched, where somebody has made it meanwhile', async () => {
    const object = { ...desired, metadata: { name: 'taken', namespace } };
    const theirs = await client.create(ConfigMaps, { ...object, data: { a: 'theirs' } });
    const making = applyIfChanged(freshProcess(), ConfigMaps, object, undefined, { onlyNew: true });
    expect(await making.catch(isConflict)).toBe(true);
    expect(await client.get(ConfigMaps, keyOf(object))).toEqual(theirs);
  });
});

describe('drift', () => {
  test('an edited field, a removed variable and a removed label are put back; what others added stays', async () => {
    await visit(Deployments, deployment());
    await client.mergePatch(
      Deployments,
      { namespace, name: 'web' },
      {
        metadata: { labels: { app: null, team: 'x' } },
        spec: {
          replicas: 7,
          template: {
            spec: { containers: [{ name: 'app', image: 'example/app:1', env: [{ name: 'DEBUG', value: '1' }] }] },
          },
        },
      },
      { fieldManager: 'somebody' },
    );
    expect(await visit(Deployments, deployment())).toBe('updated');
    const stored = (await client.get(Deployments, { namespace, name: 'web' }))!;
    expect(stored.metadata.labels).toEqual({ app: 'demo', team: 'x' });
    expect(stored.spec!.replicas).toBe(2);
    expect(stored.spec!.template.spec!.containers[0]!.env!.map(({ name }) => name).sort()).toEqual([
      'DEBUG',
      'EMPTY',
      'LEVEL',
    ]);
    expect(await visit(Deployments, deployment())).toBe('unchanged');
  });

  test('a field that is no longer desired is removed', async () => {
    const desired = { metadata: { name: 'c', namespace }, data: { keep: '1', drop: '1' } };
    await visit(ConfigMaps, desired);
    expect(await visit(ConfigMaps, { ...desired, data: { keep: '1' } })).toBe('updated');
    const stored = await client.get(ConfigMaps, { namespace, name: 'c' });
    expect(stored!.data).toEqual({ keep: '1' });
    expect(stored!.metadata.annotations![APPLIED_HASH]).toMatch(/^[0-9a-f]{16}$/);
  });

  const edits: Record<string, object[]> = {
    'a port that was renumbered': [
      { name: 'http', port: 8888, targetPort: 8080 },
      { name: 'metrics', port: 8081 },
    ],
    'a port that was renamed': [
      { name: 'web', port: 80, targetPort: 8080 },
      { name: 'metrics', port: 8081 },
    ],
    'a port that was added': [
      { name: 'http', port: 80 },
      { name: 'metrics', port: 8081 },
      { name: 'extra', port: 1 },
    ],
    'a port that was removed': [{ name: 'http', port: 80, targetPort: 8080 }],
    'ports that swapped names': [
      { name: 'metrics', port: 80, targetPort: 8080 },
      { name: 'http', port: 8081 },
    ],
  };
  test.each(Object.entries(edits))('of a Service: %s is put back, and stays', async (_, ports) => {
    await visit(Services, service());
    const before = (await client.get(Services, { namespace, name: 'web' }))!;
    await client.mergePatch(Services, keyOf(before), { spec: { ports } }, { fieldManager: 'kubectl-edit' });
    expect(await visit(Services, service())).toBe('updated');
    const after = (await client.get(Services, keyOf(before)))!;
    expect(after.spec!.ports).toEqual(before.spec!.ports);
    expect(await visit(Services, service())).toBe('unchanged');
  });

  test('a key too many in a selector is taken out', async () => {
    await visit(Services, service());
    await client.mergePatch(Services, { namespace, name: 'web' }, { spec: { selector: { other: 'x' } } });
    expect(await visit(Services, service())).toBe('updated');
    expect((await client.get(Services, { namespace, name: 'web' }))!.spec!.selector).toEqual(labels);
  });

  test('ports change as a whole when what is desired changes', async () => {
    await visit(Services, service());
    const next: Service = {
      ...service(),
      spec: { ...service().spec, ports: [{ name: 'http', port: 81, targetPort: 8080 }] },
    };
    expect(await visit(Services, next)).toBe('updated');
    expect((await client.get(Services, keyOf(next)))!.spec!.ports).toMatchObject([{ name: 'http', port: 81 }]);
    expect(await visit(Services, next)).toBe('unchanged');
  });
});

describe('status', () => {
  const status = (ready: 'True' | 'False', components: string[]) => ({
    conditions: setCondition(
      [],
      { type: 'Ready', status: ready, reason: 'Test', message: '', observedGeneration: 1 },
      new Date(0),
    ),
    components: components.map((name) => ({ name, ready: 1 })),
  });

  test('is written when it differs, entries that went included, and else not', async () => {
    const thing = await client.create(Things, { metadata: { name: 't', namespace }, spec: { size: '1' } });
    const write = async (next: object) => {
      const current = (await client.get(Things, keyOf(thing)))!;
      return (await applyStatusIfChanged(freshProcess(), Things, { ...thing, status: next }, current)).action;
    };
    expect(await write(status('False', ['a', 'b']))).toBe('updated');
    expect(await write(status('False', ['a', 'b']))).toBe('unchanged');
    expect(await write(status('True', ['b']))).toBe('updated');
    const stored = (await client.get(Things, keyOf(thing)))!;
    expect(stored.status).toEqual(status('True', ['b']));
    expect(stored.spec).toEqual({ size: '1' });
    expect(sent).toEqual(['POST 201', 'PATCH 200', 'PATCH 200']);
  });

  test('of an object that is gone is refused, and does not bring it back', async () => {
    const thing: Thing = { metadata: { name: 'gone', namespace }, status: {} };
    await expect(
      applyStatusIfChanged(client, Things, { ...thing, status: status('True', []) }, thing),
    ).rejects.toMatchObject({
      status: 404,
    });
  });
});

function thingDefinition(): CustomResourceDefinition {
  const text = { type: 'string' };
  const object = (properties: object, rest: object = {}) => ({ type: 'object', properties, ...rest });
  const listMap = (key: string, properties: object) => ({
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [key],
    items: object(properties, { required: [key] }),
  });
  const condition = {
    type: text,
    status: text,
    reason: text,
    message: text,
    lastTransitionTime: text,
    observedGeneration: { type: 'integer' },
  };
  const schema = object({
    spec: object({ size: text }),
    status: object({
      conditions: listMap('type', condition),
      components: listMap('name', { name: text, ready: { type: 'integer' } }),
    }),
  });
  return {
    metadata: { name: 'things.test.example' },
    spec: {
      group: 'test.example',
      scope: 'Namespaced',
      names: { kind: 'Thing', plural: 'things', singular: 'thing' },
      versions: [
        { name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: schema } },
      ],
    },
  } as unknown as CustomResourceDefinition;
}
