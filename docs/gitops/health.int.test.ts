/** The health checks of this folder, on objects as a real operator leaves them: Lua by an interpreter, CEL by a real API server. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { lauxlib, lua, lualib, to_luastring } from 'fengari';
import { parse } from 'yaml';
import {
  Migrations,
  OrderPlatforms,
  SeedJobs,
  type Migration,
  type OrderPlatform,
  type SeedJob,
} from '@orderplane/operator/api/v1alpha1/index.ts';
import type { RunningOperator } from '@orderplane/operator/controllers/testing/cluster.ts';
import { eventually } from '@orderplane/operator/controllers/testing/eventually.ts';
import { VOLUME } from '@orderplane/operator/controllers/testing/platforms.ts';
import { sharedCluster } from '@orderplane/operator/controllers/testing/shared-cluster.ts';
import {
  CustomResourceDefinitions,
  defineResource,
  isConditionTrue,
  type CustomResourceDefinition,
  type KubeObject,
  type Resource,
} from '@orderplane/operator/runtime/index.ts';

type Kind = 'OrderPlatform' | 'Migration' | 'SeedJob';
type Custom = OrderPlatform | Migration | SeedJob;
type Health = { argo: string; flux: string };

const document = async (name: string) => parse(await readFile(join(import.meta.dirname, name), 'utf8'));

const { cluster, platforms } = await sharedCluster();
let operator: RunningOperator;

beforeAll(() => prepareCel());

/** What Argo CD makes of an object: it hands it to the script as `obj`. */
async function argoHealth(object: Custom): Promise<{ status: string; message: string }> {
  const { data } = await document('argocd-cm.yaml');
  const script = data[`resource.customizations.health.orderplane.dev_${object.kind}`];
  const state = lauxlib.luaL_newstate();
  lualib.luaL_openlibs(state);
  const code = `local hs = (function(obj)\n${script}\nend)(${luaValue(object)})\nreturn hs.status .. "\\n" .. hs.message`;
  const failed = lauxlib.luaL_dostring(state, to_luastring(code));
  const [status = '', message = ''] = lua.lua_tojsstring(state, -1).split('\n');
  if (failed) throw new Error(`the script failed: ${status}`);
  return { status, message };
}

function luaValue(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(luaValue).join(', ')}}`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value).map(([name, field]) => `[${JSON.stringify(name)}] = ${luaValue(field)}`).join(', ')}}`;
  }
  return value === null || value === undefined ? 'nil' : JSON.stringify(value);
} // prettier-ignore

const Samples = defineResource<KubeObject & { spec: { sample: unknown } }>(
  'test.orderplane.dev/v1',
  'Sample',
  'samples',
);
const Policies = admission('ValidatingAdmissionPolicy', 'validatingadmissionpolicies');
const Bindings = admission('ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings');

function admission(kind: string, plural: string): Resource {
  return defineResource('admissionregistration.k8s.io/v1', kind, plural, { namespaced: false });
}

/** An admission policy refuses every sample, and says in the refusal what the expressions make of it. */
async function prepareCel(): Promise<void> {
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await cluster.client.apply(CustomResourceDefinitions, {
    metadata: { name: 'samples.test.orderplane.dev' },
    spec: {
      group: 'test.orderplane.dev',
      scope: 'Namespaced',
      names: { kind: 'Sample', plural: 'samples' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  } as unknown as CustomResourceDefinition);
  await eventually('samples are served', async () => {
    const crd = await cluster.client.get(CustomResourceDefinitions, {
      namespace: '',
      name: 'samples.test.orderplane.dev',
    });
    return isConditionTrue(crd?.status?.conditions, 'Established');
  });
  const { spec } = await document('flux-kustomization.yaml');
  for (const { kind, ...expressions } of spec.healthCheckExprs as Record<string, string>[]) {
    const name = `${kind?.toLowerCase()}.test.orderplane.dev`;
    const shown = ['inProgress', 'failed', 'current'].map((status) => {
      // Flux gives the object's own fields as variables.
      const expression = expressions[status]?.replaceAll(/(?<![.\w])(status|metadata)\./g, 'object.spec.sample.$1.');
      return `((${expression}) ? '${status} ' : '')`;
    });
    await cluster.client.create(Policies, {
      metadata: { name },
      spec: {
        matchConstraints: { resourceRules: [{ apiGroups: ['test.orderplane.dev'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['samples'] }] },
        matchConditions: [{ name: 'kind', expression: `object.spec.sample.kind == '${kind}'` }],
        validations: [{ expression: 'false', messageExpression: `'is: ' + ${shown.join(' + ')}` }],
      },
    } as KubeObject); // prettier-ignore
    const binding = { metadata: { name }, spec: { policyName: name, validationActions: ['Deny'] } };
    await cluster.client.create(Bindings, binding as KubeObject);
  }
}

/** What Flux makes of an object: the first that holds. */
async function fluxHealth(object: Custom): Promise<string> {
  const sample = { metadata: { name: 'sample', namespace: 'default' }, spec: { sample: object } };
  const refusal = await eventually('the policy is in force', async () => {
    try {
      await cluster.client.create(Samples, sample, { dryRun: true });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  });
  const [, statuses] = /is: (.*)$/.exec(refusal) ?? [];
  if (statuses === undefined) throw new Error(refusal);
  return statuses.trim().split(' ')[0] ?? '';
}

const RESOURCES = { OrderPlatform: OrderPlatforms, Migration: Migrations, SeedJob: SeedJobs } as const;

/** Waits until both tools see an object as wanted. */
async function becomes(kind: Kind, namespace: string, name: string, wanted: Health): Promise<string> {
  let seen: object | undefined;
  return eventually(
    `${kind} ${name} is ${JSON.stringify(wanted)}`,
    async () => {
      const object = await cluster.client.get(RESOURCES[kind] as Resource<KubeObject>, { namespace, name });
      if (!object) return undefined;
      const [argo, flux] = await Promise.all([argoHealth(object as Custom), fluxHealth(object as Custom)]);
      seen = { argo, flux, object };
      return argo.status === wanted.argo && flux === wanted.flux && argo.message;
    },
    async () => seen,
  );
}

const PROGRESSING: Health = { argo: 'Progressing', flux: 'inProgress' };
const HEALTHY: Health = { argo: 'Healthy', flux: 'current' };
/** Its generation is not observed, which Flux takes for work in progress. */
const SUSPENDED: Health = { argo: 'Suspended', flux: 'inProgress' };
const DEGRADED: Health = { argo: 'Degraded', flux: 'failed' };

const migration = (up: string) => ({
  platformRef: { name: 'shop' },
  engine: 'postgres' as const,
  database: 'notes',
  source: { inline: [{ version: '0001', name: 'init', up }] },
});
const seed = { platformRef: { name: 'shop' }, datasets: [{ name: 'rows', engine: 'postgres' as const, database: 'notes', table: 'notes', key: ['id'], mode: 'Upsert' as const, rows: [{ id: 1 }] }] }; // prettier-ignore

describe('health', () => {
  test('of a platform follows its life', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, {
      stores: { postgres: VOLUME },
      broker: { nats: VOLUME },
      services: [{ name: 'inventory' }],
    });
    expect(await becomes('OrderPlatform', namespace, 'shop', PROGRESSING)).toContain('has not looked');
    await cluster.kubelet.behave(/^shop-inventory-\w+-\w+$/, { kind: 'hold' });
    operator = cluster.startOperator();
    await platforms.becomes(namespace, 'SchemaCurrent', { status: 'True' });
    expect(await becomes('OrderPlatform', namespace, 'shop', PROGRESSING)).toContain('inventory is not available');
    await cluster.kubelet.behave(/^shop-inventory-/, { kind: 'run' });
    await becomes('OrderPlatform', namespace, 'shop', HEALTHY);
    await platforms.change(namespace, { suspend: true });
    expect(await becomes('OrderPlatform', namespace, 'shop', SUSPENDED)).toContain('spec.suspend');
    await platforms.change(namespace, { suspend: false });
    await becomes('OrderPlatform', namespace, 'shop', HEALTHY);

    await operator.kill();
    await platforms.change(namespace, { version: '9.9.9' });
    expect(await becomes('OrderPlatform', namespace, 'shop', PROGRESSING)).toContain('has not looked');
    operator = cluster.startOperator();
    expect(await becomes('OrderPlatform', namespace, 'shop', DEGRADED)).toContain('9.9.9 is not in this operator');
  }, 120_000);

  test('of a Migration and a SeedJob follows theirs', async () => {
    const namespace = await cluster.namespace();
    await cluster.kubelet.behave(/^notes-migrate/, { kind: 'hold' });
    await cluster.kubelet.behave(/^rows-seed/, { kind: 'hold' });
    await platforms.create(namespace, { stores: { postgres: VOLUME } });
    await cluster.client.create(Migrations, { metadata: { name: 'notes', namespace }, spec: migration('select 1') });
    await cluster.client.create(SeedJobs, { metadata: { name: 'rows', namespace }, spec: seed });
    await becomes('Migration', namespace, 'notes', PROGRESSING);
    await becomes('SeedJob', namespace, 'rows', PROGRESSING);
    const failure = { kind: 'result' as const, result: { ok: false, reason: 'SeedRejected', message: 'no column id' } };
    await cluster.kubelet.behave(/^rows-seed/, failure);
    expect(await becomes('SeedJob', namespace, 'rows', DEGRADED)).toContain('no column id');
    await cluster.kubelet.behave(/^(notes-migrate|rows-seed)/, { kind: 'run' });
    await becomes('Migration', namespace, 'notes', HEALTHY);
    await becomes('SeedJob', namespace, 'rows', HEALTHY);
  }, 120_000);
});
