import { describe, expect, test } from '@jest/globals';
import { OrderPlatforms, type OrderPlatform } from '../../api/v1alpha1/index.ts';
import {
  CustomResourceDefinitions,
  Deployments,
  IngressClasses,
  Ingresses,
  NetworkPolicies,
  Secrets,
  type CustomResourceDefinition,
  type IngressClass,
  type Secret,
} from '../../runtime/index.ts';
import { operatorInstallation } from '../../resources/install.ts';
import { ServiceMonitors } from '../caches.ts';
import { eventually } from '../testing/eventually.ts';
import { ULTRALIGHT } from '../testing/platforms.ts';
import { grantedRights } from '../testing/rights.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
let operator = cluster.startOperator();

const WEB = { name: 'web', image: 'x', port: 9000, routes: ['/'] };
const API = { name: 'api', image: 'x', port: 7000, routes: ['/api'] };
const exposed = (ingress: object): OrderPlatform['spec'] => ({
  services: [WEB, API],
  exposure: { ingress: { host: 'shop.example.com', ...ingress } },
});

const ingressOf = (namespace: string) => cluster.client.get(Ingresses, { namespace, name: 'shop-ingress' });
const addClass = (name: string) =>
  cluster.client.create(IngressClasses, { metadata: { name }, spec: { controller: 'k8s.io/x' } } as IngressClass);
const addCertificate = (namespace: string, name: string) =>
  cluster.client.create(Secrets, {
    metadata: { name, namespace },
    stringData: { 'tls.crt': 'certificate', 'tls.key': 'key' },
  } as unknown as Secret);

describe('exposure', () => {
  test('is not asked for by default, and shows no address', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { services: [WEB] });
    await platforms.ready(namespace);
    expect(await platforms.condition(namespace, 'Exposed')).toMatchObject({ status: 'True', reason: 'NotRequested' });
    expect((await platforms.read(namespace)).status?.url).toBeUndefined();
    expect(await ingressOf(namespace)).toBeUndefined();
  }, 60_000);

  test('is an Ingress that the API server takes, from every route to the service that has it', async () => {
    const namespace = await cluster.namespace();
    await addClass('nginx');
    await platforms.create(namespace, exposed({ className: 'nginx', tls: { clusterIssuer: 'letsencrypt' }, requestsPerMinute: 100 }));
    const waiting = await platforms.becomes(namespace, 'Exposed', { status: 'False', reason: 'CertificateMissing' });
    expect(waiting.message).toContain('cert-manager makes it from ClusterIssuer letsencrypt');
    await addCertificate(namespace, 'shop-tls');
    await platforms.ready(namespace);
    expect((await platforms.read(namespace)).status?.url).toBe('https://shop.example.com');

    const { metadata, spec } = (await ingressOf(namespace)) ?? {};
    expect(metadata?.annotations).toMatchObject({
      'cert-manager.io/cluster-issuer': 'letsencrypt',
      'nginx.ingress.kubernetes.io/limit-rpm': '100',
    });
    const paths = spec?.rules?.[0]?.http?.paths ?? [];
    expect(paths.map(({ path, backend }) => `${path} ${backend.service?.name}:${backend.service?.port?.name}`)).toEqual(['/ shop-web:main', '/api shop-api:main']);
    expect(spec?.tls).toEqual([{ hosts: ['shop.example.com'], secretName: 'shop-tls' }]);

    // What is no longer asked for leaves no trace.
    await platforms.change(namespace, { exposure: { ingress: { tls: null, requestsPerMinute: null } } });
    await platforms.ready(namespace);
    const later = await ingressOf(namespace);
    expect(Object.keys(later?.metadata.annotations ?? {})).toEqual(['orderplane.dev/applied-hash']);
    expect(later?.spec?.tls).toBeUndefined();
    expect((await platforms.read(namespace)).status?.url).toBe('http://shop.example.com');

    await cluster.client.delete(Ingresses, { namespace, name: 'shop-ingress' });
    await eventually('it is made again', async () => ![undefined, later?.metadata.uid].includes((await ingressOf(namespace))?.metadata.uid));
    await platforms.ready(namespace);

    await platforms.change(namespace, { exposure: null });
    await eventually('the Ingress is gone', async () => !(await ingressOf(namespace)));
    await platforms.ready(namespace);
    expect((await platforms.read(namespace)).status?.url).toBeUndefined();
  }, 90_000); // prettier-ignore

  test('leaves an Ingress of that name which is not ours alone', async () => {
    const namespace = await cluster.namespace();
    const spec = { defaultBackend: { service: { name: 'theirs', port: { number: 80 } } } };
    await cluster.client.create(Ingresses, { metadata: { name: 'shop-ingress', namespace }, spec });
    await platforms.create(namespace, exposed({ className: 'nginx' }));
    const { message } = await platforms.becomes(namespace, 'Exposed', { status: 'False', reason: 'NameConflict' });
    expect(message).toContain('Ingress shop-ingress exists and is not of this platform');
    expect((await ingressOf(namespace))?.spec).toEqual(spec);
  }, 60_000);

  test.each<[string, object, string, string, (namespace: string) => Promise<unknown>]>([
    ['a class that does not exist', { className: 'traefik' }, 'IngressClassMissing', 'IngressClass traefik does not exist: install its controller', () => addClass('traefik')],
    ['no class where the cluster has no default', {}, 'IngressClassMissing', 'the cluster has no default IngressClass, so set spec.exposure.ingress.className', (namespace) => platforms.change(namespace, { exposure: { ingress: { className: 'nginx' } } })],
    ['a Secret of the certificate that does not exist', { className: 'nginx', tls: { secretName: 'wildcard' } }, 'CertificateMissing', 'Secret wildcard does not exist: create it by `kubectl create secret tls wildcard', (namespace) => addCertificate(namespace, 'wildcard')],
  ])('names %s, and notices when it is mended', async (_, ingress, reason, message, mend) => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, exposed(ingress));
    const fault = await platforms.becomes(namespace, 'Exposed', { status: 'False', reason });
    expect(fault.message).toContain(message);
    expect(await platforms.becomes(namespace, 'Ready', { status: 'False', reason })).toMatchObject({ message: fault.message });
    await mend(namespace);
    await platforms.ready(namespace);
  }, 60_000); // prettier-ignore

  test.each<[string, OrderPlatform['spec'], string]>([
    ['nothing to expose', { services: [{ ...WEB, routes: [] }], exposure: { ingress: { host: 'a.example' } } }, 'no service has routes'],
    ['two services on one path', { services: [WEB, { ...API, routes: ['/'] }] }, 'services web and api both have the route /'],
    ['a route to a service without a port', { services: [{ name: 'web', image: 'x', routes: ['/'] }] }, 'service web has routes, but no port'],
  ])('refuses %s', async (_, spec, message) => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, spec);
    const stalled = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'InvalidSpec' });
    expect(stalled.message).toContain(message);
  }, 60_000); // prettier-ignore
});

describe('NetworkPolicies', () => {
  const names = async (namespace: string) =>
    (await cluster.client.list(NetworkPolicies, { namespace })).items.map(({ metadata }) => metadata.name);

  test('are there before the pods, follow the services, are repaired, and go when they are switched off', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, ULTRALIGHT);
    await platforms.ready(namespace);
    const writes = await cluster.writes(namespace);
    const first = (resource: string) => writes.findIndex((write) => write.includes(` ${resource} `));
    expect(first('networkpolicies')).toBeGreaterThan(-1);
    expect(first('networkpolicies')).toBeLessThan(first('statefulsets'));
    expect(await names(namespace)).toEqual(
      ['default-deny', 'gateway', 'inventory', 'migrate', 'mongo', 'nats', 'order-query', 'orders', 'postgres', 'provision', 'seed', 'storefront', 'verify'].map((name) => `shop-${name}`),
    );

    await platforms.change(namespace, { services: [{ name: 'inventory' }] });
    await eventually('what was the services’ is gone', async () => !(await names(namespace)).includes('shop-gateway'));
    await platforms.ready(namespace);
    expect(await names(namespace)).not.toContain('shop-verify');

    const postgres = { namespace, name: 'shop-postgres' };
    await cluster.client.mergePatch(NetworkPolicies, postgres, { spec: { ingress: [{}] } });
    await eventually('the way into Postgres is closed again', async () => (await cluster.client.get(NetworkPolicies, postgres))?.spec?.ingress?.[0]?.from?.length === 4);
    await cluster.client.delete(NetworkPolicies, { namespace, name: 'shop-default-deny' });
    await eventually('what was deleted is back', async () => (await names(namespace)).includes('shop-default-deny'));

    await platforms.change(namespace, { networkPolicy: { enabled: false } });
    await eventually('all are gone', async () => (await names(namespace)).length === 0);
    await platforms.ready(namespace);
    expect(await platforms.condition(namespace, 'NetworkRestricted')).toMatchObject({ status: 'True', reason: 'NotRequested' });
  }, 90_000); // prettier-ignore
});

/** As much of prometheus-operator's definition as says that the kind is there. */
const DEFINITION = {
  metadata: { name: 'servicemonitors.monitoring.coreos.com' },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind: 'ServiceMonitor', listKind: 'ServiceMonitorList', plural: 'servicemonitors', singular: 'servicemonitor' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }],
  },
} as unknown as CustomResourceDefinition; // prettier-ignore

test('metrics are told of as soon as the cluster has the kind for it, without a restart, and never hold up a platform', async () => {
  const namespace = await cluster.namespace();
  const monitor = () => cluster.client.get(ServiceMonitors, { namespace, name: 'shop-services' });
  await platforms.create(namespace, { services: [WEB], observability: { metrics: { interval: '30s', labels: { release: 'prometheus' } } } });
  await platforms.ready(namespace);
  expect(await platforms.condition(namespace, 'Monitored')).toMatchObject({ status: 'True', reason: 'NoServiceMonitors' });

  await cluster.client.create(CustomResourceDefinitions, DEFINITION);
  await platforms.becomes(namespace, 'Monitored', { status: 'True', reason: 'Monitored' });
  const made = await monitor();
  expect(made?.metadata.labels).toMatchObject({ release: 'prometheus', 'orderplane.dev/platform': 'shop' });
  expect(made?.spec).toEqual({
    selector: { matchLabels: { 'app.kubernetes.io/component': 'service', 'orderplane.dev/platform': 'shop' } },
    endpoints: [{ port: 'management', path: '/metrics', honorLabels: true, interval: '30s' }],
  });

  await cluster.client.mergePatch(ServiceMonitors, { namespace, name: 'shop-services' }, { spec: { endpoints: [] } });
  await eventually('it is repaired', async () => (await monitor())?.spec.endpoints.length === 1);
  await platforms.change(namespace, { observability: { metrics: null } });
  await eventually('it is gone', async () => !(await monitor()));
  await platforms.change(namespace, { observability: { metrics: {} } });
  await eventually('it is back', monitor);

  await cluster.client.delete(CustomResourceDefinitions, { namespace: '', name: DEFINITION.metadata.name });
  await platforms.becomes(namespace, 'Monitored', { status: 'True', reason: 'NoServiceMonitors' });
  await platforms.ready(namespace);
  await cluster.client.create(CustomResourceDefinitions, DEFINITION);
  await platforms.becomes(namespace, 'Monitored', { status: 'True', reason: 'Monitored' });
  await eventually('it is made again', monitor);
}, 120_000); // prettier-ignore

test('traces are sent where the field says, and the policies let them, until it goes', async () => {
  const namespace = await cluster.namespace();
  const told = async () => {
    const pod = (await cluster.client.get(Deployments, { namespace, name: 'shop-web' }))?.spec?.template.spec?.containers[0];
    const policy = await cluster.client.get(NetworkPolicies, { namespace, name: 'shop-web' });
    const share = pod?.env?.find(({ name }) => name === 'OTEL_TRACES_SAMPLER_ARG')?.value;
    return `${share} ${JSON.stringify(policy?.spec?.egress ?? []).includes('"port":4318')}`;
  };
  await platforms.create(namespace, { services: [WEB], observability: { tracing: { otlpEndpoint: 'http://10.9.8.7:4318', samplingPercent: 100 } } });
  await platforms.ready(namespace);
  expect(await told()).toBe('1 true');
  await platforms.change(namespace, { observability: { tracing: { samplingPercent: 25 } } });
  await eventually('a quarter is collected', async () => (await told()) === '0.25 true');
  await platforms.change(namespace, { observability: null });
  await eventually('none is', async () => (await told()) === 'undefined false');
}, 120_000); // prettier-ignore

test('a steady platform with an edge causes no write, also for an operator that starts anew, and leaves nothing behind', async () => {
  const namespace = await cluster.namespace();
  await platforms.create(namespace, { ...exposed({ className: 'nginx' }), observability: { metrics: {} } });
  await platforms.ready(namespace);
  await operator.idle();
  const before = await cluster.writes(namespace);
  await operator.kill();
  operator = cluster.startOperator();
  await operator.idle();
  expect((await cluster.writes(namespace)).slice(before.length)).toEqual([]);

  await cluster.client.delete(OrderPlatforms, { namespace, name: 'shop' });
  await eventually('all of it is gone', async () => {
    const kinds = [OrderPlatforms, Ingresses, NetworkPolicies] as const;
    const lists = await Promise.all(kinds.map((kind) => cluster.client.list(kind as never, { namespace })));
    return lists.every(({ items }) => items.length === 0);
  });
}, 90_000);

test('every right on these kinds is used, and none was missing', async () => {
  const { used, refused } = await cluster.rights();
  expect([...refused]).toEqual([]);
  const isOfThese = (right: string) => /(monitoring\.coreos\.com|networking\.k8s\.io|apiextensions\.k8s\.io)/.test(right);
  const granted = grantedRights(operatorInstallation({ operatorImage: 'x' })).filter(isOfThese);
  expect(granted.length).toBeGreaterThan(20);
  expect(granted.filter((right) => !used.has(right))).toEqual([]);
}); // prettier-ignore
