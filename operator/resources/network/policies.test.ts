import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { orderPlatformSpec, type OrderPlatform } from '../../api/v1alpha1/index.ts';
import type { NetworkPolicy } from '../../runtime/known-resources.ts';
import { loginSecret, loginsOf } from '../credentials.ts';
import { podLabels, type Role } from '../labels.ts';
import { RELEASE_IMAGES } from '../release-images.ts';
import { resolvePlatform } from '../resolve.ts';
import { isAllowed, type Endpoint } from '../testing/evaluate-flow.ts';
import { networkPolicies } from './policies.ts';

const example = parse(readFileSync(join(import.meta.dirname, '../../../examples/ultralight/10-platform.yaml'), 'utf8'));

const VOLUME = { managed: { storage: '1Gi' } };

function policiesOf(spec: OrderPlatform['spec'], externalUri?: string): NetworkPolicy[] {
  const identity = { name: 'shop', namespace: 'shop', uid: 'uid' };
  const { platform, violations } = resolvePlatform(identity, orderPlatformSpec.parse(spec), RELEASE_IMAGES);
  if (!platform) throw new Error(violations.join());
  const external = (backend: string) => (backend === 'nats' ? false : platform.stores[backend as 'mongo']?.external);
  const secrets = loginsOf(platform).map((login) =>
    loginSecret(platform, login, 'password', external(login.backend) && externalUri ? { uri: externalUri } : undefined),
  );
  const admin = { rds: { uri: Buffer.from(externalUri ?? '').toString('base64') } };
  const data = Object.fromEntries(secrets.map((secret) => [secret.metadata.name, secret.data ?? {}]));
  return networkPolicies(platform, { ...data, ...admin });
}

/** Ends of connections by name: `orders`, `postgres`, `migrate` are the platform's; the others are not. */
function endpoint(name: string): Endpoint {
  const others: Record<string, Endpoint> = {
    'another pod of the namespace': { namespace: 'shop', labels: { app: 'blog' }, ip: '10.0.0.90' },
    'a pod of another platform': { namespace: 'shop', labels: podLabels({ name: 'two' }, 'orders', 'service'), ip: '10.0.0.91' },
    'a namesake in another namespace': { namespace: 'two', labels: podLabels({ name: 'shop' }, 'orders', 'service'), ip: '10.0.0.92' },
    'the ingress controller': { namespace: 'ingress-nginx', labels: { app: 'nginx' }, ip: '10.0.0.93' },
    prometheus: { namespace: 'monitoring', labels: { app: 'prometheus' }, ip: '10.0.0.94' },
    'cluster DNS': { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, ip: '10.0.0.95' },
    'its own kubelet': { ip: '192.168.0.1', node: 'node-1' },
    'another node': { ip: '192.168.0.2', node: 'node-2' },
    'the internet': { ip: '203.0.113.7' },
    '10.9.8.7': { ip: '10.9.8.7' },
  }; // prettier-ignore
  if (others[name]) return others[name];
  const jobs = ['provision', 'migrate', 'seed', 'verify', 'connect'];
  const stores = ['postgres', 'mongo'];
  const role: Role = jobs.includes(name) ? 'job' : stores.includes(name) ? 'store' : name === 'nats' ? 'broker' : 'service';
  return { namespace: 'shop', labels: podLabels({ name: 'shop' }, name, role), ip: '10.0.0.1', node: 'node-1' };
} // prettier-ignore

/** `orders → postgres:5432`, with `/UDP` where it is. */
function allowed(policies: NetworkPolicy[], connection: string): boolean {
  const [, from = '', to = '', port = '', protocol] = /^(.+) → (.+):(\d+)(?:\/(UDP))?$/.exec(connection) ?? [];
  const ends = { from: endpoint(from), to: endpoint(to) };
  return isAllowed(policies, { ...ends, port: Number(port), ...(protocol && { protocol: 'UDP' as const }) });
}

const own = (name: string, rest: object = {}) => ({ name, image: 'x', port: 9000, ...rest });
const ULTRALIGHT = example.spec as OrderPlatform['spec'];

const CASES: [string, OrderPlatform['spec'], string | undefined, { allowed: string[]; denied: string[] }][] = [
  [
    'examples/ultralight',
    ULTRALIGHT,
    undefined,
    {
      allowed: [
        'storefront → gateway:8080',
        'gateway → inventory:50053',
        'gateway → orders:50052',
        'gateway → order-query:50055',
        'orders → inventory:50053',
        'orders → postgres:5432',
        'orders → nats:4222',
        'inventory → postgres:5432',
        'inventory → nats:4222',
        'order-query → mongo:27017',
        'order-query → nats:4222',
        'provision → postgres:5432',
        'provision → mongo:27017',
        'provision → nats:4222',
        'migrate → postgres:5432',
        'migrate → mongo:27017',
        'seed → postgres:5432',
        'seed → mongo:27017',
        'verify → gateway:8080',
        'verify → nats:8222',
        'orders → cluster DNS:53/UDP',
        'postgres → cluster DNS:53',
        'its own kubelet → orders:8081',
        'its own kubelet → postgres:5432',
        'another pod of the namespace → the internet:443',
        'another pod of the namespace → a pod of another platform:80',
      ],
      denied: [
        'storefront → postgres:5432',
        'storefront → orders:50052',
        'storefront → nats:4222',
        'gateway → postgres:5432',
        'gateway → orders:8081',
        'inventory → mongo:27017',
        'order-query → postgres:5432',
        'orders → mongo:27017',
        'orders → gateway:8080',
        'orders → nats:8222',
        'verify → orders:50052',
        'verify → postgres:5432',
        'migrate → nats:4222',
        'seed → inventory:50053',
        'postgres → orders:50052',
        'postgres → the internet:443',
        'orders → the internet:443',
        'orders → cluster DNS:8080',
        'another pod of the namespace → orders:50052',
        'another pod of the namespace → postgres:5432',
        'a pod of another platform → postgres:5432',
        'a namesake in another namespace → postgres:5432',
        'the ingress controller → gateway:8080',
        'prometheus → orders:8081',
        'another node → orders:50052',
        'the internet → gateway:8080',
      ],
    },
  ],
  [
    'an exposed platform with metrics',
    { ...ULTRALIGHT, exposure: { ingress: { host: 'shop.example.com' } }, observability: { metrics: {} } },
    undefined,
    {
      allowed: [
        'the ingress controller → gateway:8080',
        'the ingress controller → storefront:3000',
        'another node → gateway:8080',
        'prometheus → orders:8081',
        'prometheus → gateway:8081',
      ],
      denied: [
        'the ingress controller → orders:50052',
        'the internet → orders:8081',
        'prometheus → orders:50052',
        'prometheus → postgres:5432',
      ],
    },
  ],
  [
    'traces sent to a collector that has a name',
    { ...ULTRALIGHT, observability: { tracing: { otlpEndpoint: 'http://collector.monitoring:4318', samplingPercent: 100 } } },
    undefined,
    {
      allowed: ['orders → the internet:4318', 'storefront → the internet:4318'],
      denied: ['orders → the internet:443', 'orders → the internet:4317', 'postgres → the internet:4318', 'provision → the internet:4318'],
    },
  ],
  [
    'traces sent to an address without a port',
    { ...ULTRALIGHT, observability: { tracing: { otlpEndpoint: 'https://10.9.8.7/otlp', samplingPercent: 100 } } },
    undefined,
    { allowed: ['orders → 10.9.8.7:443'], denied: ['orders → the internet:443', 'orders → 10.9.8.7:80'] },
  ],
  [
    'services of the user, one with nothing to do with others',
    {
      stores: { postgres: VOLUME, mongo: VOLUME },
      services: [
        own('reports', { needs: [{ postgres: { database: 'reports', access: 'ReadOnly' } }, { service: { name: 'api' } }] }),
        own('api', { port: 7000 }),
        own('lonely'),
      ],
    },
    undefined,
    {
      allowed: ['reports → postgres:5432', 'reports → api:7000', 'lonely → cluster DNS:53/UDP', 'its own kubelet → lonely:9000'],
      denied: ['reports → api:9000', 'reports → mongo:27017', 'api → reports:9000', 'api → lonely:9000', 'lonely → postgres:5432', 'another pod of the namespace → lonely:9000'],
    },
  ],
  [
    'an external store that is known by its address',
    {
      stores: { postgres: { external: { secretRef: { name: 'rds' } } } },
      services: [own('reports', { needs: [{ postgres: { database: 'reports', access: 'ReadOnly' } }] }), own('api')],
    },
    'postgres://admin:pw@10.9.8.7:6432/postgres',
    {
      allowed: ['reports → 10.9.8.7:6432', 'provision → 10.9.8.7:6432', 'migrate → 10.9.8.7:6432', 'seed → 10.9.8.7:6432', 'connect → 10.9.8.7:6432'],
      denied: ['reports → 10.9.8.7:5432', 'reports → the internet:6432', 'api → 10.9.8.7:6432', 'connect → 10.9.8.7:5432', 'verify → 10.9.8.7:6432'],
    },
  ],
  [
    'an external store that is known by its name, on a port that is not said',
    {
      stores: { mongo: { external: { secretRef: { name: 'rds' } } } },
      services: [own('reports', { needs: [{ mongo: { database: 'reports' } }] }), own('api')],
    },
    'mongodb://admin:pw@a.example,b.example:27018/',
    {
      allowed: ['reports → the internet:27017', 'reports → the internet:27018', 'migrate → 10.9.8.7:27017'],
      denied: ['reports → the internet:443', 'api → the internet:27017'],
    },
  ],
  [
    'a platform that has them switched off',
    { ...ULTRALIGHT, networkPolicy: { enabled: false } },
    undefined,
    { allowed: ['storefront → postgres:5432', 'another pod of the namespace → orders:50052'], denied: [] },
  ],
]; // prettier-ignore

describe.each(CASES)('the NetworkPolicies of %s', (_, spec, externalUri, { allowed: wanted, denied }) => {
  const policies = policiesOf(spec, externalUri);

  test('open every connection that is needed', () => {
    expect(wanted.filter((connection) => !allowed(policies, connection))).toEqual([]);
  });

  test('and no other', () => {
    expect(denied.filter((connection) => allowed(policies, connection))).toEqual([]);
  });
});

describe('the evaluator says what the API promises:', () => {
  const pods = {
    web: { namespace: 'a', labels: { app: 'web' }, ip: '10.0.0.1' },
    db: { namespace: 'a', labels: { app: 'db' }, ip: '10.0.0.2', ports: { sql: 5432 } },
  };
  const policy = (spec: NetworkPolicy['spec'], namespace = 'a'): NetworkPolicy => ({
    metadata: { name: 'p', namespace },
    spec,
  });
  const db = { podSelector: { matchLabels: { app: 'db' } } };
  const web = { podSelector: { matchLabels: { app: 'web' } } };
  test.each<[string, NetworkPolicy[], boolean]>([
    ['without a policy everything is open', [], true],
    ['a policy of another namespace selects nothing here', [policy({ ...db, policyTypes: ['Ingress'] }, 'b')], true],
    ['a selected pod is closed', [policy({ ...db, policyTypes: ['Ingress'] })], false],
    ['a policy of one direction leaves the other open', [policy({ ...db, policyTypes: ['Egress'] })], true],
    ['one of several policies that allows is enough', [policy({ ...db, policyTypes: ['Ingress'] }), policy({ ...db, ingress: [{ from: [web] }] })], true],
    ['both ends have to allow it', [policy({ ...db, ingress: [{ from: [web] }] }), policy({ ...web, policyTypes: ['Egress'] })], false],
    ['an egress rule implies its type', [policy({ ...web, egress: [{ to: [db], ports: [{ port: 1 }] }] })], false],
    ['a port may have a name', [policy({ ...db, ingress: [{ ports: [{ port: 'sql' }] }] })], true],
    ['a port may be a range', [policy({ ...db, ingress: [{ ports: [{ port: 5000, endPort: 6000 }] }] })], true],
    ['a protocol has to match', [policy({ ...db, ingress: [{ ports: [{ protocol: 'UDP', port: 5432 }] }] })], false],
    ['an address block may have holes', [policy({ ...db, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/24'] } }] }] })], false],
    ['pods of other namespaces are meant only by a namespace selector', [policy({ ...db, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'x' } }, ...web }] }] })], false],
    ['expressions are obeyed', [policy({ podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['db'] }, { key: 'tier', operator: 'DoesNotExist' }] }, policyTypes: ['Ingress', 'Egress'] })], false],
  ])('%s', (_, policies, verdict) => {
    expect(isAllowed(policies, { from: pods.web, to: pods.db, port: 5432 })).toBe(verdict);
  }); // prettier-ignore
});
