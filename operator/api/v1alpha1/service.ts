import { z } from 'zod';
import { routes } from './exposure.ts';
import { database, migrationVersion, objectName, resources, serviceName } from './fields.ts';
import { environmentVariable } from './environment.ts';
import { exactlyOne, listMap, quoted, withRules } from './rules.ts';
import { mountPath } from './volumes.ts';
import { autoscaling, concurrencyPolicy, probes, schedule, timeZone, WORKLOAD_TYPES } from './workload.ts';

/** The services that a release brings: they need only a name. What they are made of is in the release's catalogue. */
export const RELEASE_SERVICES = [
  'gateway',
  'users',
  'inventory',
  'orders',
  'order-query',
  'payments',
  'storefront',
] as const;
export type ReleaseService = (typeof RELEASE_SERVICES)[number];

/** Objects are named `<platform>-<component>`: these components are the operator's own. */
const RESERVED_SERVICES = [
  'postgres',
  'mongo',
  'redis',
  'nats',
  'kafka',
  'elasticsearch',
  'keycloak',
  'verification',
  'identity',
  'provision',
  'verify',
  'connect',
  'migrate',
  'seed',
  'default-deny',
];

const topic = z
  .string()
  .max(63)
  .regex(/^[a-z][a-z0-9_]*$/);

const ACCESS = ['ReadOnly', 'ReadWrite', 'Owner'] as const;
export type Access = (typeof ACCESS)[number];

const need = exactlyOne(
  z.object({
    postgres: z
      .object({
        database,
        access: z
          .enum(ACCESS)
          .describe(
            'ReadOnly: select. ReadWrite: rows, but no tables. Owner: everything in the database, for a service that migrates by itself.',
          ),
      })
      .describe('A database, and a role for it. Its URI is in POSTGRES_URI.')
      .optional(),
    mongo: z.object({ database }).describe('A database, and a user for it. Its URI is in MONGO_URI.').optional(),
    redis: z
      .object({})
      .describe(
        'A user of Redis, for keys and channels that begin with the name of the service and a colon. Its URI is in REDIS_URI.',
      )
      .optional(),
    broker: z
      .object({
        publish: z.array(topic).max(50).default([]).describe('Topics that the service publishes.'),
        consume: z.array(topic).max(50).default([]).describe('Topics that the service receives.'),
      })
      .describe('A user of the broker, allowed these topics only. Its URI is in BROKER_URI.')
      .optional(),
    service: z
      .object({ name: serviceName.describe('Name of the service, as in spec.services.') })
      .describe('The address of another service of the platform, as <NAME>_URL: orders is in ORDERS_URL.')
      .optional(),
    volume: z
      .object({
        name: serviceName.describe('Name of the volume, as in spec.volumes.'),
        mountPath,
        readOnly: z.boolean().optional().describe('Whether the service may only read. Default false.'),
      })
      .describe('A volume of the platform, which services can share.')
      .optional(),
    optional: z
      .boolean()
      .optional()
      .describe(
        'Whether the service also works without: what the platform does not have is left out, its variable too, and pods do not wait for it. Default false.',
      ),
  }),
  ['postgres', 'mongo', 'redis', 'broker', 'service', 'volume'],
  'a need is exactly one of postgres, mongo, redis, broker, service and volume',
);
export type Need = z.infer<typeof need>;

const requirement = withRules(
  exactlyOne(
    z.object({
      migration: objectName.optional().describe('Name of a Migration that has to be Ready.'),
      version: migrationVersion
        .optional()
        .describe('The version that the Migration has to have reached. Digits, compared as numbers.'),
      seed: objectName.optional().describe('Name of a SeedJob that has to have run.'),
    }),
    ['migration', 'seed'],
    'a requirement is exactly one of migration and seed',
  ),
  [
    {
      cel: '!has(self.version) || has(self.migration)',
      message: 'version belongs to a migration',
      holds: (value) => value.version === undefined || value.migration !== undefined,
    },
  ],
);
export type Requirement = z.infer<typeof requirement>;

const once = (kind: 'postgres' | 'mongo' | 'redis' | 'broker') => ({
  cel: `!has(self.needs) || self.needs.filter(need, has(need.${kind})).size() <= 1`,
  message: `a service can have one need of ${kind}: there is one variable for its URI`,
  holds: (value: { needs?: Need[] }) => (value.needs ?? []).filter((each) => each[kind]).length <= 1,
});

/** Fields that make sense only for what runs all the time. */
const ALWAYS_RUNNING = ['replicas', 'autoscaling', 'port', 'probes'] as const;

export const service = withRules(
  z.object({
    name: serviceName.describe(
      'Name of the service; its objects are called <platform>-<name>. Services of the release need only this.',
    ),
    image: z
      .string()
      .min(1)
      .max(512)
      .regex(/^\S+$/)
      .optional()
      .describe("Container image. Left out, it is the release's."),
    command: z.array(z.string().max(1024)).max(32).optional().describe("Command, instead of the image's entrypoint."),
    args: z.array(z.string().max(4096)).max(64).optional().describe('Arguments of the command.'),
    type: z
      .enum(WORKLOAD_TYPES)
      .optional()
      .describe(
        'Deployment: runs all the time. CronJob: runs to its end on a schedule; a run that failed keeps the platform from being Ready until one succeeds, or the service is changed. Default Deployment.',
      ),
    schedule: schedule.optional(),
    timeZone: timeZone.optional(),
    concurrencyPolicy: concurrencyPolicy.optional(),
    replicas: z
      .int()
      .min(0)
      .max(50)
      .optional()
      .describe("Number of pods, always. Left out, it follows the platform's profile, or autoscaling."),
    autoscaling: autoscaling.optional(),
    port: z
      .int()
      .min(1024)
      .max(65535)
      .optional()
      .describe(
        'Port that the service listens on, above 1023 because it does not run as root; also told to it as PORT. Without one, it gets no Service.',
      ),
    routes: routes.optional(),
    env: listMap(z.array(environmentVariable).max(100), 'name')
      .optional()
      .describe('Environment variables of its own.'),
    resources: resources.optional(),
    probes: probes.optional(),
    needs: z
      .array(need)
      .max(20)
      .optional()
      .describe(
        'What the service connects to. The operator makes databases, roles, passwords and topics, and injects the addresses. For a service of the release these are added to its own.',
      ),
    requires: z
      .array(requirement)
      .max(20)
      .optional()
      .describe('What has to have happened before pods of this version start: the old ones serve meanwhile.'),
  }),
  [
    {
      cel: `self.name in ${quoted(RELEASE_SERVICES)} || has(self.image)`,
      message: `a service that is not of the release (${RELEASE_SERVICES.join(', ')}) needs an image`,
      holds: (value) => RELEASE_SERVICES.some((name) => name === value.name) || value.image !== undefined,
    },
    {
      cel: `!(self.name in ${quoted(RESERVED_SERVICES)})`,
      message: `${RESERVED_SERVICES.join(', ')} are names of the platform's own parts: choose another`,
      holds: (value) => !RESERVED_SERVICES.includes(value.name),
    },
    once('postgres'),
    once('mongo'),
    once('redis'),
    once('broker'),
    {
      cel: '!(has(self.replicas) && has(self.autoscaling))',
      message: 'set either replicas, for a fixed number of pods, or autoscaling',
      holds: ({ replicas, autoscaling: scaling }) => replicas === undefined || scaling === undefined,
    },
    {
      cel: "(has(self.type) && self.type == 'CronJob') == has(self.schedule)",
      message: 'a service of type CronJob has a schedule, and no other has one',
      holds: (value) => (value.type === 'CronJob') === (value.schedule !== undefined),
    },
    {
      cel: 'has(self.schedule) || !(has(self.timeZone) || has(self.concurrencyPolicy))',
      message: 'timeZone and concurrencyPolicy belong to a schedule',
      holds: (value) => value.schedule !== undefined || !(value.timeZone ?? value.concurrencyPolicy),
    },
    {
      cel: `!has(self.schedule) || !(${ALWAYS_RUNNING.map((field) => `has(self.${field})`).join(' || ')})`,
      message: `a CronJob runs to its end: it has no ${ALWAYS_RUNNING.join(', ')}`,
      holds: (value) => value.schedule === undefined || ALWAYS_RUNNING.every((field) => value[field] === undefined),
    },
  ],
);
export type ServiceSpec = z.infer<typeof service>;
