/** One object of each kind with every field set; several, where fields exclude each other. Fields are tested by changing one of these. */
import type { Migration, OrderPlatform, SeedJob } from '../objects.ts';
import type { KindName } from './cases.ts';

const resources = { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: 1, memory: '512Mi' } };
const volume = { managed: { storage: '1Gi', storageClassName: 'standard', resources } };

const asking = {
  path: '/ok',
  port: 9200,
  initialDelaySeconds: 1,
  periodSeconds: 5,
  timeoutSeconds: 2,
  failureThreshold: 4,
};
const running = { command: ['ok'] };
/** Of a name that is nowhere: pods do not wait for what is optional. */
const reference = { name: 'flags', key: 'all', optional: true };

const reports = (needs: NonNullable<OrderPlatform['spec']['services']>[number]['needs']) => ({
  name: 'reports',
  image: 'registry.example/reports:1',
  command: ['run'],
  args: ['--fast'],
  replicas: 1,
  port: 9000,
  env: [{ name: 'REGION', value: 'eu' }],
  routes: ['/reports'],
  resources,
  needs,
  requires: [{ migration: 'schema', version: '1' }, { seed: 'templates' }],
});

// prettier-ignore
const platforms: Record<string, OrderPlatform['spec']> = {
  managed: {
    profile: 'dev',
    version: '0.1.0',
    upgrades: { policy: 'OnRequest', accepted: 'a1' },
    progressDeadlineSeconds: 600,
    suspend: false,
    deletionPolicy: 'Retain',
    exposure: { ingress: { host: 'shop.example.com', className: 'nginx', tls: { clusterIssuer: 'letsencrypt' }, requestsPerMinute: 100 } },
    networkPolicy: { enabled: true },
    images: { registry: 'registry.example', pullSecrets: [{ name: 'pull' }] },
    volumes: [{ name: 'loft', storage: '1Gi' }, { name: 'disk', storage: '1Gi', storageClassName: 'standard', accessModes: ['ReadWriteOnce'] }, { name: 'spare', storage: '1Gi' }],
    migrations: { policy: { destructive: 'RequireApproval', down: 'Refuse', restorePoint: 'None', lockTimeout: '5s', statementTimeout: '5m' }, restorePoints: { keep: 3, maxAge: '720h', storage: '1Gi', storageClassName: 'standard' }, approvals: [{ service: 'inventory', planHash: '0123456789abcdef' }] },
    observability: { metrics: { interval: '30s', labels: { release: 'prometheus' } }, tracing: { otlpEndpoint: 'http://collector.monitoring:4318', samplingPercent: 100 } },
    stores: { postgres: { managed: { ...volume.managed, version: '17' } }, mongo: volume, redis: volume },
    broker: { nats: volume },
    services: [
      reports([
        { postgres: { database: 'reports', access: 'ReadOnly' } },
        { mongo: { database: 'reports' } },
        { redis: {} },
        { broker: { publish: ['report_made'], consume: ['order_created'] } },
        { service: { name: 'second' } },
      ]),
      { name: 'second', image: 'registry.example/second:1', port: 9100, autoscaling: { minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 70 } },
      { name: 'third', image: 'registry.example/third:1', port: 9200, probes: { startup: asking, readiness: asking, liveness: asking }, env: [{ name: 'FLAGS', valueFrom: { secretKeyRef: reference } }] },
      { name: 'fourth', image: 'registry.example/fourth:1', probes: { startup: running, readiness: running, liveness: running }, env: [{ name: 'FLAGS', valueFrom: { configMapKeyRef: reference } }], needs: [{ volume: { name: 'disk', mountPath: '/data', readOnly: false }, optional: false }] },
      { name: 'nightly', image: 'registry.example/nightly:1', type: 'CronJob', schedule: '0 2 * * *', timeZone: 'Europe/Berlin', concurrencyPolicy: 'Forbid' },
      { name: 'inventory' },
    ],
  },
  external: {
    exposure: { ingress: { host: 'shop.example.com', tls: { secretName: 'certificate' } } },
    stores: {
      postgres: { external: { secretRef: { name: 'rds' }, provisioning: 'Managed' } },
      mongo: { external: { secretRef: { name: 'atlas' }, provisioning: 'Managed' } },
      redis: { external: { secretRef: { name: 'elasticache' }, provisioning: 'Managed' } },
    },
    services: [
      {
        name: 'reports',
        image: 'registry.example/reports:1',
        port: 9000,
        routes: ['/reports'],
        needs: [{ postgres: { database: 'reports', access: 'ReadOnly' } }, { mongo: { database: 'reports' } }, { redis: {} }],
      },
    ],
  },
};

platforms.identity = {
  identity: { builtIn: { accessTokenTTL: '15m', refreshTokenTTL: '168h' }, anonymousOrders: false },
  stores: { postgres: { managed: { ...volume.managed, version: '17' } }, mongo: volume },
  broker: { nats: volume },
  services: ['gateway', 'users', 'inventory', 'orders', 'order-query'].map((name) => ({ name })),
};
platforms['external broker'] = { broker: { nats: { external: { secretRef: { name: 'nats' } } } } };

const migrations: Record<string, Migration['spec']> = {
  inline: {
    platformRef: { name: 'shop' },
    engine: 'postgres',
    database: 'extra',
    source: { inline: [{ version: '0001', name: 'init', up: 'create table x()', down: 'drop table x' }] },
    mode: 'Apply',
    toVersion: 'latest',
    baseline: '0001',
    after: [{ migration: 'schema', version: '1' }],
    policy: { destructive: 'RequireApproval', down: 'Refuse', lockTimeout: '5s', statementTimeout: '5m' },
    approval: { planHash: '0123456789abcdef' },
  },
  back: {
    target: { secretRef: { name: 'rds' } },
    engine: 'postgres',
    database: 'extra',
    source: { inline: [{ version: '0001', name: 'init', up: 'create table x()' }] },
    policy: { restorePoint: 'Required' },
    restorePoints: { keep: 3, maxAge: '720h', storage: '1Gi', storageClassName: 'standard' },
    restoreFrom: { restorePoint: '20261121-101500-0a1b2c' },
  },
  elsewhere: {
    target: { secretRef: { name: 'rds' } },
    engine: 'postgres',
    database: 'extra',
    source: { configMapRef: { name: 'sql' } },
  },
  release: {
    platformRef: { name: 'shop' },
    engine: 'postgres',
    database: 'extra',
    source: { release: 'inventory' },
  },
};

const seeds: Record<string, SeedJob['spec']> = {
  postgres: {
    platformRef: { name: 'shop' },
    after: [{ migration: 'schema', version: '1' }],
    datasets: [
      { name: 'rows', engine: 'postgres', database: 'reports', table: 'rows', key: ['id'], mode: 'Upsert', rows: [{ id: 'a', code: 1 }] },
    ],
    revision: 'first',
  },
  mongo: {
    platformRef: { name: 'shop' },
    datasets: [
      { name: 'rows', engine: 'mongo', database: 'reports', collection: 'rows', key: ['id'], mode: 'Upsert', rows: [{ id: 'a' }] },
    ],
  },
  files: {
    platformRef: { name: 'shop' },
    datasets: [
      { name: 'rows', engine: 'postgres', database: 'reports', table: 'rows', key: ['id'], mode: 'Upsert', from: { volume: { claimName: 'files', path: 'rows.csv' } } },
    ],
  },
  configMap: {
    platformRef: { name: 'shop' },
    datasets: [
      { name: 'rows', engine: 'postgres', database: 'reports', table: 'rows', key: ['id'], mode: 'Upsert', from: { configMapRef: { name: 'rows', key: 'rows.csv' } } },
    ],
  },
  scheduled: {
    platformRef: { name: 'shop' },
    datasets: [
      { name: 'rows', engine: 'postgres', database: 'reports', table: 'rows', key: ['id'], mode: 'Upsert', from: { generator: { kind: 'products', count: 5, seed: 1 } } },
    ],
    schedule: { cron: '@yearly', timeZone: 'Europe/Berlin', concurrency: 'Forbid', startingDeadlineSeconds: 60 },
  },
  replacing: {
    platformRef: { name: 'shop' },
    datasets: [
      { name: 'rows', engine: 'postgres', database: 'reports', table: 'rows', key: ['id'], mode: 'Replace', rows: [{ id: 'a' }] },
    ],
    confirm: 'abcdef01',
  },
}; // prettier-ignore

export const SAMPLES: Readonly<Record<KindName, Readonly<Record<string, object>>>> = {
  OrderPlatform: platforms,
  Migration: migrations,
  SeedJob: seeds,
};
