import type { FieldCase, FieldCases } from './cases.ts';
import type { Made } from './made.ts';

const many = (count: number, value: unknown) => Array.from({ length: count }, () => value);

type ResourcesOf = (made: Made) => { requests?: Amounts; limits?: Amounts } | undefined;
type Amounts = Record<string, string>;

/** Processor time and memory, wherever a container has them. */
export function resourceFields(path: string, of: ResourcesOf): FieldCases {
  const amount = (group: 'requests' | 'limits', name: 'cpu' | 'memory', to: string, illegal: FieldCase['illegal']): FieldCases => ({
    [`${path}.${group}.${name}`]: { illegal, legal: { to, acts: (made) => of(made)?.[group]?.[name], becomes: to } },
  });
  const cpu = [['much', /cpu.*should match/], [true, /cpu.*must be of type/]] as const;
  const memory = [['lots', /memory.*should match/], ['-1Gi', /memory.*should match/]] as const;
  return {
    ...amount('requests', 'cpu', '70m', cpu),
    ...amount('requests', 'memory', '80Mi', memory),
    ...amount('limits', 'cpu', '2', cpu),
    ...amount('limits', 'memory', '600Mi', memory),
  };
} // prettier-ignore

const topics = (direction: 'publish' | 'consume', topic: string): FieldCases => ({
  [`services[].needs[].broker.${direction}`]: {
    illegal: [[['>'], new RegExp(`${direction}.*should match`)], [many(51, 'order_created'), 'must have at most 50 items']],
    legal: { to: [topic], acts: ({ secret }) => secret('shop-nats-config', 'nats.conf'), becomes: topic },
  },
}); // prettier-ignore

const blocks = (path: string, illegal: FieldCase['illegal'], to: unknown, message: string): FieldCases => ({
  [path]: {
    illegal,
    legal: { to, when: 'onCreation', acts: ({ says }) => says('ServicesAvailable'), becomes: message },
  },
});

export const serviceFields: FieldCases = {
  'services[].name': {
    illegal: [['Reports', /name.*should match/], ['postgres', "names of the platform's own parts"], ['a-name-that-is-too-long-for-a-service', 'may not be more than 30']],
    legal: { to: 'figures', when: 'alone', acts: ({ deployment }) => deployment('figures')?.metadata.name, becomes: 'shop-figures' },
  },
  'services[].image': {
    illegal: [['', 'should be at least 1 chars long'], ['an image', /image.*should match/]],
    legal: { to: 'registry.example/reports:2', acts: ({ container }) => container('reports')?.image, becomes: 'registry.example/reports:2' },
  },
  'services[].command': {
    illegal: [['run', 'must be of type array'], [many(33, 'x'), 'must have at most 32 items']],
    legal: { to: ['run', 'faster'], acts: ({ container }) => container('reports')?.command, becomes: ['run', 'faster'] },
  },
  'services[].args': {
    illegal: [['--fast', 'must be of type array'], [many(65, 'x'), 'must have at most 64 items']],
    legal: { to: ['--slow'], acts: ({ container }) => container('reports')?.args, becomes: ['--slow'] },
  },
  'services[].replicas': {
    illegal: [[-1, 'greater than or equal to 0'], [0.5, 'must be of type integer'], [51, 'less than or equal to 50']],
    legal: { to: 4, acts: ({ deployment }) => deployment('reports')?.spec?.replicas, becomes: 4 },
  },
  'services[].port': {
    illegal: [[80, 'greater than or equal to 1024'], [70000, 'less than or equal to 65535']],
    legal: { to: 9009, acts: ({ env }) => env('reports', 'PORT'), becomes: '9009' },
  },
  'services[].env[].name': {
    illegal: [['POSTGRES_URI', 'use needs for connections'], ['1ST', /name.*should match/]],
    legal: { to: 'AREA', when: 'alone', acts: ({ env }) => env('reports', 'AREA'), becomes: 'eu' },
  },
  'services[].env[].value': {
    illegal: [[1, 'must be of type string'], ['x'.repeat(4097), 'may not be more than 4096']],
    legal: { to: 'us', acts: ({ env }) => env('reports', 'REGION'), becomes: 'us' },
  },
  ...resourceFields('services[].resources', ({ container }) => container('reports')?.resources),
  'services[].routes': {
    illegal: [[['reports'], /routes.*should match/], [['/a', '/a'], 'Duplicate value']],
    legal: { to: ['/figures'], acts: ({ ingress }) => ingress()?.spec?.rules?.[0]?.http?.paths.map(({ path }) => path).join(), becomes: '/figures' },
  },
  'services[].needs[].postgres.database': {
    illegal: [['Reports', /database.*should match/], ['template1', 'belong to the database engines']],
    legal: { to: 'figures', acts: ({ secret }) => secret('shop-reports-postgres', 'uri'), becomes: '/figures' },
  },
  'services[].needs[].postgres.access': {
    illegal: [['All', 'supported values: "ReadOnly", "ReadWrite", "Owner"'], ['readonly', 'supported values: "ReadOnly", "ReadWrite", "Owner"']],
    legal: { to: 'Owner', acts: ({ platformRun }) => platformRun('provision-postgres'), becomes: '"access":"Owner"' },
  },
  'services[].needs[].mongo.database': {
    illegal: [['admin', 'belong to the database engines'], ['my-reports', /database.*should match/]],
    legal: { to: 'charts', acts: ({ secret }) => secret('shop-reports-mongo', 'uri'), becomes: '/charts' },
  },
  'services[].needs[].redis': {
    illegal: [['sessions', 'must be of type object'], [true, 'must be of type object']],
    legal: { shownBy: 'operator/controllers/orderplatform/redis.int.test.ts › a service gets a user of its own, for its own keys, and another with each rotation' },
  },
  ...topics('publish', 'report_sent'),
  ...topics('consume', 'invoice_sent'),
  'services[].needs[].service.name': {
    illegal: [['Second', /name.*should match/], ['a-name-that-is-too-long-for-a-service', 'may not be more than 30']],
    legal: { to: 'third', acts: ({ env }) => env('reports', 'THIRD_URL'), becomes: 'http://shop-third:9200' },
  },
  ...blocks('services[].requires[].migration', [['My Schema', /migration.*should match/], ['', 'should be at least 1 chars long']], 'absent', 'Migration absent does not exist'),
  ...blocks('services[].requires[].version', [['v2', /version.*should match/], [2, 'must be of type string']], '0099', 'is at version 0001, and 0099 is required'),
  ...blocks('services[].requires[].seed', [['My Seed', /seed.*should match/], ['', 'should be at least 1 chars long']], 'absent', 'SeedJob absent does not exist'),
}; // prettier-ignore
