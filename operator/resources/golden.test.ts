import { describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { migrationSpec, orderPlatformSpec, seedJobSpec } from '../api/v1alpha1/index.ts';
import { connectJob } from './connect-job.ts';
import { APPLIED_TEMPLATE_ANNOTATION } from './labels.ts';
import { loginSecret, loginsOf, verificationSecret } from './credentials.ts';
import { allObjects, desiredObjects } from './desired.ts';
import type { KubeObject } from '../runtime/resource.ts';
import { operatorInstallation } from './install.ts';
import { jobRun } from './job.ts';
import { migrationJob } from './migration-job.ts';
import { loginState } from './login-state.ts';
import type { StoreName } from './names.ts';
import { adminServer, provisionJob, verifyJob, type ProvisionedLogin } from './platform-jobs.ts';
import type { Platform } from './platform.ts';
import { RELEASE_IMAGES } from './release-images.ts';
import { resolvePlatform } from './resolve.ts';
import { seedInputHash, seedRun } from './seed-run.ts';

/** Written anew by `UPDATE_GOLDEN=1 node hack/jest.ts operator/resources`; the diff is what a review reads. */
function expectGolden(name: string, objects: readonly unknown[]): void {
  const path = join(import.meta.dirname, 'golden', name);
  const rendered = objects
    .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n');
  if (process.env.UPDATE_GOLDEN) writeFileSync(path, rendered);
  expect(rendered).toBe(readFileSync(path, 'utf8'));
}

const example = (file: string) =>
  parse(readFileSync(join(import.meta.dirname, '../../examples/ultralight', file), 'utf8'));

function ultralight() {
  const { metadata, spec } = example('10-platform.yaml');
  const identity = { name: metadata.name, namespace: metadata.namespace, uid: 'uid-of-shop' };
  const { platform } = resolvePlatform(identity, orderPlatformSpec.parse(spec), RELEASE_IMAGES);
  if (!platform) throw new Error('the example is not valid');
  const secrets = [
    ...loginsOf(platform).map((login) => loginSecret(platform, login, `password-of-${login.username}`)),
    verificationSecret(platform, 'key-of-verification'),
  ];
  return { platform, secrets };
}

/** As they are in the middle of a rotation: both roles of a service can log in. */
function rotatingLogins(platform: Platform, store: StoreName): ProvisionedLogin[] {
  return loginsOf(platform)
    .filter(({ backend, service }) => backend === store && service)
    .map((login) => {
      const state = loginState(login, loginSecret(platform, login, `password-of-${login.username}`));
      return { login, state: { ...state, other: { ...state.other, password: `password-of-${state.other.username}` } } };
    });
}

/** Without the note of the applied template, which repeats the template. */
function withoutNotes(objects: readonly KubeObject[]): KubeObject[] {
  return objects.map((object) => {
    const { [APPLIED_TEMPLATE_ANNOTATION]: _, ...annotations } = object.metadata.annotations ?? {};
    return { ...object, metadata: { ...object.metadata, annotations } };
  });
}

test('a platform that is exposed, monitored and on external servers renders as reviewed', () => {
  const { platform } = resolvePlatform(
    { name: 'shop', namespace: 'shop', uid: 'uid-of-shop' },
    orderPlatformSpec.parse({
      stores: { postgres: { external: { secretRef: { name: 'rds' } } } },
      broker: { nats: { external: { secretRef: { name: 'nats' } } } },
      services: [
        {
          name: 'reports',
          image: 'registry.example/reports:1.4',
          port: 9000,
          routes: ['/reports'],
          needs: [
            { postgres: { database: 'reports', access: 'ReadWrite' } },
            { broker: { consume: ['order_created'] } },
          ],
        },
      ],
      exposure: {
        ingress: {
          host: 'shop.example.com',
          className: 'nginx',
          tls: { clusterIssuer: 'letsencrypt' },
          requestsPerMinute: 100,
        },
      },
      observability: {
        metrics: { interval: '30s', labels: { release: 'prometheus' } },
        tracing: { otlpEndpoint: 'http://10.9.8.6:4318', samplingPercent: 10 },
      },
    }),
    RELEASE_IMAGES,
  );
  if (!platform) throw new Error('the spec is not valid');
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  const rds = { uri: 'postgres://admin:pw@10.9.8.7/postgres', authority: 'CERTIFICATE' };
  const [login] = loginsOf(platform);
  if (!login) throw new Error('there is no login');
  const secret = loginSecret(platform, login, 'password', rds);
  const data = {
    [secret.metadata.name]: secret.data ?? {},
    rds: { uri: encoded(rds.uri), 'ca.crt': encoded(rds.authority) },
    nats: { uri: encoded('nats://shop:pw@nats.example:4222'), 'ca.crt': encoded('CERTIFICATE') },
  };
  const objects = withoutNotes(allObjects(desiredObjects(platform, data)));
  const job = Object.values(jobRun(connectJob(platform, 'postgres', data), 1));
  expectGolden('edge.yaml', [secret, ...objects, ...job]);
});

describe('examples/ultralight renders as reviewed:', () => {
  const { platform, secrets } = ultralight();
  const data = Object.fromEntries(secrets.map((secret) => [secret.metadata.name, secret.data ?? {}]));

  test('the platform', () => {
    expectGolden('ultralight.yaml', [...secrets, ...withoutNotes(allObjects(desiredObjects(platform, data)))]);
  });

  test('its Jobs', () => {
    const files = {
      description: 'orderplane/services:0.1.0',
      image: 'orderplane/services:0.1.0',
      directory: '/app/inventory/migrations',
    };
    const migration = {
      platformRef: { name: 'shop' },
      engine: 'postgres',
      database: 'inventory',
      source: { release: 'inventory' },
    };
    const seed = example('20-seed.yaml');
    const seedSpec = seedJobSpec.parse(seed.spec);
    const seedData = { datasets: seedSpec.datasets, revision: seedSpec.revision, identities: ['volume-1'], texts: {} };
    const common = { namespace: 'shop', operatorImage: RELEASE_IMAGES.operator, pullSecrets: [] };
    const jobs = [
      provisionJob(platform, {
        store: 'postgres',
        identity: 'volume-1',
        databases: ['inventory', 'orders'],
        logins: rotatingLogins(platform, 'postgres'),
      }),
      provisionJob(platform, {
        store: 'mongo',
        identity: 'volume-2',
        databases: ['app'],
        logins: rotatingLogins(platform, 'mongo'),
      }),
      migrationJob({
        ...common,
        name: 'shop-inventory',
        uid: 'uid-of-migration',
        generation: 1,
        spec: migrationSpec.parse(migration),
        files,
        target: {
          adminSecret: 'shop-postgres-admin',
          identity: 'volume-1',
          platform: 'shop',
          isManaged: true,
          isProvisioned: true,
          restorePoint: 'None',
        },
      }),
      seedRun({
        ...common,
        name: seed.metadata.name,
        uid: 'uid-of-seed',
        spec: seedSpec,
        servers: [adminServer(platform, 'postgres')],
        occasion: { trigger: 'Spec', inputHash: seedInputHash(seedData) },
        texts: {},
      }),
      verifyJob(platform, []),
    ];
    expectGolden(
      'ultralight-jobs.yaml',
      jobs.flatMap((definition) => Object.values(jobRun(definition, 1))),
    );
  });

  test('no pod may do more than Pod Security "restricted" allows, or write its own root', () => {
    type Pods = { spec: { template?: { spec: PodLike }; containers?: unknown } };
    type PodLike = {
      securityContext: object;
      automountServiceAccountToken: boolean;
      containers: { securityContext: object; resources: object }[];
    };
    const templates = allObjects(desiredObjects(platform, data)).flatMap(
      (object) => (object as unknown as Pods).spec?.template ?? [],
    );
    expect(templates.length).toBe(8);
    for (const { spec } of templates) {
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      for (const container of spec.containers) {
        expect(container).toMatchObject({
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          resources: { requests: { cpu: expect.any(String) }, limits: { memory: expect.any(String) } },
        });
      }
    }
  });
});

test("services of the user's own, with everything that one can have, render as reviewed", () => {
  const spec = orderPlatformSpec.parse({
    profile: 'prod',
    images: { registry: 'registry.example/mirror', pullSecrets: [{ name: 'regcred' }] },
    volumes: [
      { name: 'datasets', storage: '20Gi', storageClassName: 'nfs', accessModes: ['ReadWriteMany'] },
      { name: 'cache', storage: '1Gi' },
    ],
    services: [
      {
        name: 'reports',
        image: 'registry.example/reports:1.4',
        port: 9000,
        autoscaling: { maxReplicas: 10 },
        env: [
          { name: 'REGION', value: 'eu' },
          { name: 'API_KEY', valueFrom: { secretKeyRef: { name: 'stripe', key: 'api-key' } } },
        ],
        probes: { readiness: { path: '/ready' }, liveness: { path: '/live', timeoutSeconds: 9 } },
        needs: [{ volume: { name: 'datasets', mountPath: '/data', readOnly: true } }],
      },
      { name: 'worker', image: 'x', replicas: 1, needs: [{ volume: { name: 'cache', mountPath: '/cache' } }] },
      {
        name: 'fetch',
        image: 'x',
        args: ['--all'],
        type: 'CronJob',
        schedule: '0 2 * * *',
        timeZone: 'Europe/Berlin',
        needs: [{ volume: { name: 'datasets', mountPath: '/data' } }, { service: { name: 'reports' } }],
      },
    ],
  });
  const identity = { name: 'shop', namespace: 'shop', uid: 'uid-of-shop' };
  const { platform } = resolvePlatform(identity, spec, RELEASE_IMAGES);
  if (!platform) throw new Error('the spec is not valid');
  const objects = allObjects(desiredObjects(platform, {}, { 'Secret/stripe': { 'api-key': 'a2V5' } }));
  expectGolden('workloads.yaml', withoutNotes(objects));
});

test('the operator installs as reviewed, with no wildcard among its rights', () => {
  const objects = operatorInstallation({
    operatorImage: 'orderplane/operator:0.1.0',
    images: { postgres: 'standin/postgres:17' },
  });
  expectGolden('operator.yaml', objects);
  expect(JSON.stringify(objects.find(({ kind }) => kind === 'ClusterRole'))).not.toContain('*');
});
