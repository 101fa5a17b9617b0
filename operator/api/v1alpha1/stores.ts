import { z } from 'zod';
import { objectName, resources, source, storage, storageClassName } from './fields.ts';
import { unchanged, withRules } from './rules.ts';

/** Majors of PostgreSQL that the operator brings an image for. A new major is added here, and never replaces one that somebody's data is in. */
const POSTGRES_VERSIONS = ['16', '17'] as const;
export type PostgresVersion = (typeof POSTGRES_VERSIONS)[number];

const volumeFields = {
  storage: storage.describe(
    'Size of the volume, such as 10Gi. It may grow later, where the StorageClass allows it; it cannot shrink.',
  ),
  storageClassName,
  resources: resources.optional(),
};

const volumeRules = [
  unchanged('storageClassName', "''", 'storageClassName cannot be changed: volumes do not move between classes'),
];

const RUN_IT = 'Run it in this namespace, on a volume of its own that outlives the platform.';

const managed = withRules(z.object(volumeFields), volumeRules).describe(RUN_IT);

const managedPostgres = withRules(
  z.object({
    version: z
      .enum(POSTGRES_VERSIONS)
      .default('17')
      .describe('Major version of PostgreSQL. It stays as it is, whatever a newer operator would choose.'),
    ...volumeFields,
  }),
  [
    ...volumeRules,
    {
      cel: 'self.version == oldSelf.version',
      message:
        'version cannot be changed, one major of PostgreSQL does not open the data of another: create another platform and move the data',
    },
  ],
).describe(RUN_IT);

const managedRedis = withRules(
  z.object({ ...volumeFields, storage: volumeFields.storage.default('1Gi') }),
  volumeRules,
).describe(RUN_IT);

const externalSecret = z
  .object({ name: objectName.describe('Name of the Secret, in the same namespace.') })
  .describe(
    "A Secret in the same namespace. Its key `uri` holds the connection URI of an administrator, such as postgres://admin:…@db.example:5432/postgres, and, where the server's certificate is of an authority of your own, its key `ca.crt` that authority's certificate.",
  );

const external = z
  .object({
    secretRef: externalSecret,
    provisioning: z
      .enum(['Managed', 'None'])
      .default('Managed')
      .describe(
        "Who makes databases, roles and passwords. Managed: the operator does, for which the administrator needs the rights. None: they exist, and each service finds its login in the Secret <platform>-<service>-postgres (or -mongo, -redis) that you make, with the key uri; its key ca.crt, where there is one, is the file /etc/orderplane/ca/postgres/ca.crt (or mongo, redis) of the service's pods, for the URI to name. Migrations and seeds use the administrator's.",
      ),
  })
  .describe('Use a server that exists. It is checked by connecting to it.');

const externalBroker = z
  .object({
    secretRef: z
      .object({ name: objectName.describe('Name of the Secret, in the same namespace.') })
      .describe(
        "A Secret in the same namespace. Its key `uri` holds a connection URI, such as nats://user:…@nats.example:4222, and, where the server's certificate is of an authority of your own, its key `ca.crt` that authority's certificate, which services find in the file that BROKER_CA_FILE names.",
      ),
  })
  .describe(
    'Use a NATS server with JetStream that exists. It is checked by connecting to it. All services log in as the user of its URI.',
  );

export const stores = withRules(
  z
    .object({
      postgres: source(managedPostgres, external, 'stores.postgres')
        .describe(
          'PostgreSQL: one database a service, with a role that can change rows but no tables. Either managed or external.',
        )
        .optional(),
      mongo: source(managed, external, 'stores.mongo')
        .describe("MongoDB: the read model's home. Either managed or external.")
        .optional(),
      redis: source(managedRedis, external, 'stores.redis')
        .describe(
          'Redis, for what is looked up often and may be made anew: sessions, limits. Every service of the release also runs without it. Each service that needs it gets a user that reaches only keys that begin with its name and a colon. Either managed or external.',
        )
        .optional(),
    })
    .describe('Where data lives. A store can be added later, but not removed.'),
  ['postgres', 'mongo', 'redis'].map((name) => ({
    cel: `!has(oldSelf.${name}) || has(self.${name})`,
    message: `stores.${name} cannot be removed, its data would be left behind: delete the platform, or keep the store`,
  })),
);

export const broker = withRules(
  z
    .object({
      nats: source(managed, externalBroker, 'broker.nats')
        .describe(
          'NATS with JetStream: every service gets a user that can reach only its own subjects. Either managed or external.',
        )
        .optional(),
    })
    .describe('What carries events between services.'),
  [
    {
      cel: '!has(oldSelf.nats) || has(self.nats)',
      message:
        'broker.nats cannot be removed, undelivered events would be lost: delete the platform, or keep the broker',
    },
  ],
);

const size = (of: string) => z.string().max(20).optional().describe(`Volume of ${of}.`);

export const volumeStatus = z.object({
  postgres: size('PostgreSQL'),
  mongo: size('MongoDB'),
  redis: size('Redis'),
  nats: size('NATS'),
});

/** On the whole object: volumes only grow, but a size that the volume has not come to may be taken back. */
export const volumeSizeRules = [
  ['stores', 'postgres'],
  ['stores', 'mongo'],
  ['stores', 'redis'],
  ['broker', 'nats'],
].map(([field, name]) => {
  const managedBy = (object: string) =>
    [`${object}.spec.${field}`, `${object}.spec.${field}.${name}`, `${object}.spec.${field}.${name}.managed`]
      .map((path) => `has(${path})`)
      .join(' && ');
  const atLeast = (size: string) =>
    `quantity(self.spec.${field}.${name}.managed.storage).compareTo(quantity(${size})) >= 0`;
  const volume = `self.status.volumes.${name}`;
  return {
    rule: [
      `!(${managedBy('self')} && ${managedBy('oldSelf')})`,
      atLeast(`oldSelf.spec.${field}.${name}.managed.storage`),
      `has(self.status) && has(self.status.volumes) && has(${volume}) && ${atLeast(volume)}`,
    ]
      .map((alternative) => `(${alternative})`)
      .join(' || '),
    message: `${field}.${name}.managed.storage cannot shrink below the size that the volume has: see status.volumes`,
  };
});
