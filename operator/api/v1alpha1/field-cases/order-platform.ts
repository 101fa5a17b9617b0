import type { Migration } from '../objects.ts';
import type { FieldCases } from './cases.ts';
import type { Made } from './made.ts';
import { resourceFields, serviceFields } from './service.ts';
import { workloadFields } from './workload.ts';

const CONTROLLER = 'operator/controllers/orderplatform';
const PINNING = `${CONTROLLER}/pinning/pinning.int.test.ts`;
const MONITORING = `${CONTROLLER}/edge.int.test.ts › metrics are told of as soon as the cluster has the kind for it, without a restart, and never hold up a platform`;

/** What a managed store or broker has. */
const volume = (path: string, component: string): FieldCases => ({
  [`${path}.managed.storage`]: {
    illegal: [['10', /storage.*should match/], ['0Gi', /storage.*should match/], [10, 'must be of type string']],
    legal: { to: '2Gi', when: 'onCreation', acts: ({ claim }) => claim(component)?.resources?.requests?.storage, becomes: '2Gi' },
  },
  [`${path}.managed.storageClassName`]: {
    illegal: [['Fast Disks', /storageClassName.*should match/], ['', 'should be at least 1 chars long']],
    legal: { to: 'fast', when: 'onCreation', acts: ({ claim }) => claim(component)?.storageClassName, becomes: 'fast' },
  },
  ...resourceFields(`${path}.managed.resources`, ({ store }) => store(component)?.resources),
}); // prettier-ignore

const external = (store: 'postgres' | 'mongo' | 'redis'): FieldCases => ({
  [`stores.${store}.external.secretRef.name`]: {
    illegal: [['My Secret', /secretRef.name.*should match/], ['', 'should be at least 1 chars long']],
    legal: { to: `other-${store}`, acts: ({ secret }) => secret(`shop-reports-${store}`, 'uri'), becomes: `@other-${store}.example` },
  },
}); // prettier-ignore

const provisioning = (path: string): FieldCases => ({
  [`${path}.external.provisioning`]: {
    illegal: [['Some', 'supported values: "Managed", "None"'], [true, 'must be of type string']],
    legal: { shownBy: `${CONTROLLER}/external.int.test.ts › where nothing is provisioned, each service is told which Secret it waits for, and uses it as it is` },
  },
}); // prettier-ignore

/** The Migration of the service of the release that the samples have. */
const migrationOf = (find: Made['find']) => (find('Migration', 'shop-inventory') as Migration | undefined)?.spec;

const migrationPolicy = (
  field: 'destructive' | 'down' | 'restorePoint' | 'lockTimeout' | 'statementTimeout',
  to: string,
  illegal: FieldCases[string]['illegal'],
  along = {},
): FieldCases => ({
  [`migrations.policy.${field}`]: { illegal, legal: { to, along, when: 'alone', acts: ({ find }) => migrationOf(find)?.policy?.[field], becomes: to } },
}); // prettier-ignore

const restorePoints = (
  field: 'keep' | 'maxAge' | 'storage' | 'storageClassName',
  to: string | number,
  illegal: FieldCases[string]['illegal'],
  when: 'alone' | 'onCreation' = 'alone',
): FieldCases => ({
  [`migrations.restorePoints.${field}`]: { illegal, legal: { to, when, acts: ({ find }) => migrationOf(find)?.restorePoints?.[field], becomes: to } },
}); // prettier-ignore

export const orderPlatformFields: FieldCases = {
  profile: {
    illegal: [['huge', 'supported values: "dev", "staging", "prod"'], [1, 'must be of type string']],
    legal: { to: 'staging', acts: ({ deployment }) => deployment('third')?.spec?.replicas, becomes: 2 },
  },
  version: {
    illegal: [['latest', /version.*should match/], ['1.2', /version.*should match/]],
    legal: { to: '9.9.9', when: 'alone', acts: ({ says }) => says('Ready'), becomes: "version 9.9.9 is not in this operator's catalogue" },
  },
  'upgrades.policy': {
    illegal: [['Sometimes', 'supported values: "OnRequest", "Automatic"'], [true, 'must be of type string']],
    legal: { shownBy: `${PINNING} › rolls out what was accepted, and nothing that comes after it` },
  },
  'upgrades.accepted': {
    illegal: [['latest', /accepted.*should match/], ['a'.repeat(65), 'may not be more than 64']],
    legal: { shownBy: `${PINNING} › rolls out what was accepted, and nothing that comes after it` },
  },
  progressDeadlineSeconds: {
    illegal: [[0, 'greater than or equal to 1'], [86_401, 'less than or equal to 86400']],
    legal: { shownBy: `${CONTROLLER}/status.int.test.ts › is Stalled after its deadline, also under an operator that starts anew, and no more once it gets on` },
  },
  suspend: {
    illegal: [['yes', 'must be of type boolean'], [1, 'must be of type boolean']],
    legal: { to: true, when: 'alone', acts: ({ says }) => says('Suspended'), becomes: 'Suspended' },
  },
  deletionPolicy: {
    illegal: [['Keep', 'supported values: "Retain", "Delete"'], ['delete', 'supported values: "Retain", "Delete"']],
    legal: { shownBy: `${CONTROLLER}/lifecycle.int.test.ts › deleted under deletionPolicy Delete, takes its volumes and passwords along, and no others` },
  },
  'stores.postgres.managed.version': {
    illegal: [['9', 'supported values: "16", "17"'], [17, 'must be of type string']],
    legal: { to: '16', when: 'onCreation', acts: ({ store }) => store('postgres')?.image, becomes: 'postgres:16' },
  },
  ...migrationPolicy('destructive', 'Allow', [['Ask', 'supported values: "Reject", "RequireApproval", "Allow"'], ['Allow', 'approvals need policy.destructive: RequireApproval']], { 'migrations.approvals': undefined }),
  ...migrationPolicy('down', 'Allow', [['Never', 'supported values: "Refuse", "Allow"'], [true, 'must be of type string']]),
  ...migrationPolicy('restorePoint', 'Optional', [['Always', 'supported values: "Required", "Optional", "None"'], [true, 'must be of type string']]),
  ...restorePoints('keep', 7, [[0, 'should be greater than or equal to 1'], [101, 'should be less than or equal to 100']]),
  ...restorePoints('maxAge', '48h', [['a month', /maxAge.*should match/], [720, 'must be of type string']]),
  ...restorePoints('storage', '7Gi', [['5 GB', /storage.*should match/], [5, 'must be of type string']]),
  ...restorePoints('storageClassName', 'other', [['Fast SSD', /storageClassName.*should match/], ['', 'should be at least 1 chars long']], 'onCreation'),
  ...migrationPolicy('lockTimeout', '7s', [['soon', /lockTimeout.*should match/], [5, 'must be of type string']]),
  ...migrationPolicy('statementTimeout', '7m', [['soon', /statementTimeout.*should match/], [5, 'must be of type string']]),
  'migrations.approvals[].service': {
    illegal: [['Inventory', /service.*should match/], ['a-name-that-is-too-long-for-a-service', 'may not be more than 30']],
    legal: { to: 'reports', when: 'alone', acts: ({ says }) => says('Ready'), becomes: 'spec.migrations.approvals names reports' },
  },
  'migrations.approvals[].planHash': {
    illegal: [['latest', /planHash.*should match/], ['0123456789ABCDEF', /planHash.*should match/]],
    legal: { to: 'fedcba9876543210', when: 'alone', acts: ({ find }) => migrationOf(find)?.approval?.planHash, becomes: 'fedcba9876543210' },
  },
  ...volume('stores.postgres', 'postgres'),
  ...volume('stores.mongo', 'mongo'),
  ...volume('stores.redis', 'redis'),
  ...volume('broker.nats', 'nats'),
  ...external('postgres'),
  ...external('mongo'),
  ...external('redis'),
  ...serviceFields,
  ...workloadFields,
  ...provisioning('stores.postgres'),
  ...provisioning('stores.mongo'),
  ...provisioning('stores.redis'),
  'broker.nats.external.secretRef.name': {
    illegal: [['My Secret', /secretRef.name.*should match/], ['', 'should be at least 1 chars long']],
    legal: { shownBy: `${CONTROLLER}/external.int.test.ts › an external broker is used by all services as its Secret says, which rolls them when it changes` },
  },
  'identity.builtIn.accessTokenTTL': {
    illegal: [['soon', /accessTokenTTL.*should match/], ['500ms', 'accessTokenTTL must be between 1s and 24h'], ['25h', 'accessTokenTTL must be between 1s and 24h']],
    legal: { to: '7m', acts: ({ env }) => env('users', 'ACCESS_TOKEN_TTL'), becomes: '7m' },
  },
  'identity.builtIn.refreshTokenTTL': {
    illegal: [['a week', /refreshTokenTTL.*should match/], ['9999h', 'refreshTokenTTL must be between 1m and 8760h'], ['2m', 'refreshTokenTTL must be longer than accessTokenTTL']],
    legal: { to: '24h', acts: ({ env }) => env('users', 'REFRESH_TOKEN_TTL'), becomes: '24h' },
  },
  'identity.anonymousOrders': {
    illegal: [['maybe', 'must be of type boolean'], [1, 'must be of type boolean']],
    legal: { to: true, acts: ({ env }) => env('gateway', 'ANONYMOUS_ORDERS'), becomes: 'true' },
  },
  'exposure.ingress.host': {
    illegal: [['https://shop.example.com', /host.*should match/], ['shop', /host.*should match/]],
    legal: { to: 'store.example.com', acts: ({ ingress }) => ingress()?.spec?.rules?.[0]?.host, becomes: 'store.example.com' },
  },
  'exposure.ingress.className': {
    illegal: [['my class', /className.*should match/], ['', 'should be at least 1 chars long']],
    legal: { to: 'traefik', acts: ({ ingress }) => ingress()?.spec?.ingressClassName, becomes: 'traefik' },
  },
  'exposure.ingress.tls.clusterIssuer': {
    illegal: [['LetsEncrypt', /clusterIssuer.*should match/], ['', 'should be at least 1 chars long']],
    legal: { to: 'zerossl', acts: ({ ingress }) => ingress()?.metadata.annotations?.['cert-manager.io/cluster-issuer'], becomes: 'zerossl' },
  },
  'exposure.ingress.tls.secretName': {
    illegal: [['ns/name', /secretName.*should match/], ['', 'should be at least 1 chars long']],
    legal: { to: 'wildcard', acts: ({ ingress }) => ingress()?.spec?.tls?.[0]?.secretName, becomes: 'wildcard' },
  },
  'exposure.ingress.requestsPerMinute': {
    illegal: [[0, 'greater than or equal to 1'], [0.5, 'must be of type integer']],
    legal: { to: 200, acts: ({ ingress }) => ingress()?.metadata.annotations?.['nginx.ingress.kubernetes.io/limit-rpm'], becomes: '200' },
  },
  'networkPolicy.enabled': {
    illegal: [['maybe', 'must be of type boolean'], [1, 'must be of type boolean']],
    legal: { to: false, acts: ({ networkPolicies }) => networkPolicies() > 0, becomes: false },
  },
  'observability.metrics.interval': {
    illegal: [['30', /interval.*should match/], ['soon', /interval.*should match/]],
    legal: { shownBy: MONITORING },
  },
  'observability.tracing.otlpEndpoint': {
    illegal: [['collector:4318', /otlpEndpoint.*should match/], ['http://user:password@collector', /otlpEndpoint.*should match/], ['http://collector:99999', /otlpEndpoint.*should match/]],
    legal: { to: 'https://traces.example/otlp', acts: ({ env }) => env('reports', 'OTEL_EXPORTER_OTLP_ENDPOINT'), becomes: 'https://traces.example/otlp' },
  },
  'observability.tracing.samplingPercent': {
    illegal: [[101, 'less than or equal to 100'], [-1, 'greater than or equal to 0'], [0.5, 'must be of type integer']],
    legal: { to: 25, acts: ({ env }) => env('reports', 'OTEL_TRACES_SAMPLER_ARG'), becomes: '0.25' },
  },
  'observability.metrics.labels': {
    illegal: [[{ 'app.kubernetes.io/name': 'x' }, 'are set by the operator'], [{ 'a b': 'x' }, 'the name of a label has letters']],
    legal: { shownBy: MONITORING },
  },
}; // prettier-ignore
