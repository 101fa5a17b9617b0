import { z } from 'zod';
import { exactlyOne, quoted, withRules } from './rules.ts';

/** Fields that more than one kind has. */

export const MAX_PLATFORM_NAME = 24;
/** `<platform>-<service>` has to fit a DNS label, with room for what Kubernetes appends to a pod's name. */
const MAX_SERVICE_NAME = 30;

const DNS_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

export const serviceName = z.string().max(MAX_SERVICE_NAME).regex(DNS_LABEL);
export const objectName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);

export const ENGINES = ['postgres', 'mongo'] as const;
export const engine = z.enum(ENGINES).describe('The store that holds the database: postgres or mongo.');
export type Engine = z.infer<typeof engine>;

/** Names that the engines keep for themselves. */
const RESERVED_DATABASES = ['postgres', 'template0', 'template1', 'admin', 'local', 'config'];

export const database = withRules(
  z
    .string()
    .max(40)
    .regex(/^[a-z][a-z0-9_]*$/)
    .describe('Name of the database: a letter, then letters, digits and underscores, in lower case.'),
  [
    {
      cel: `!(self in ${quoted(RESERVED_DATABASES)})`,
      message: `${RESERVED_DATABASES.join(', ')} belong to the database engines: choose another name`,
      holds: (name) => !RESERVED_DATABASES.includes(name),
    },
  ],
);

export const secretRef = z
  .object({ name: objectName.describe('Name of the Secret, in the same namespace.') })
  .describe(
    'A Secret in the same namespace whose key `uri` holds the connection URI of an administrator, such as postgres://admin:…@db.example:5432/postgres.',
  );

export const platformRef = z
  .object({ name: z.string().max(MAX_PLATFORM_NAME).regex(DNS_LABEL).describe('Name of the OrderPlatform.') })
  .describe('The OrderPlatform, in the same namespace, whose stores this works on.');

/** Versions are digits, compared as numbers: 0002 is older than 10. */
export const migrationVersion = z
  .string()
  .max(18)
  .regex(/^[0-9]+$/);

export const duration = z
  .string()
  .max(20)
  .regex(/^([0-9]+(ms|s|m|h))+$/);

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration as people write it (`5s`, `1m30s`), in milliseconds. */
export function durationMs(text: string): number {
  if (!/^(\d+(ms|s|m|h))+$/.test(text)) throw new RangeError(`"${text}" is not a duration such as 5s or 1m30s`);
  return [...text.matchAll(/(\d+)(ms|s|m|h)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * UNITS[unit as keyof typeof UNITS],
    0,
  );
}

const condition = z.object({
  type: z.string().max(63).describe('What the condition is about, in CamelCase.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  reason: z.string().max(100).describe('Why, in one CamelCase word.'),
  message: z.string().max(4096).describe('Why, in words for people.'),
  observedGeneration: z.int().optional().describe('The metadata.generation that this was found for.'),
  lastTransitionTime: z.iso.datetime().describe('When the status last changed.'),
});

export const conditions = z
  .array(condition)
  .max(20)
  .meta({
    description: 'What is known of the object; see each type.',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  });

export const observedGeneration = z
  .int()
  .describe('The metadata.generation that this status was computed for; -1 until the operator has looked.');

/** One run of a Job that is not repeated once it has succeeded for an input. */
export const runFields = {
  number: z.int().min(1).describe('Counts the runs; part of the name of the Job.'),
  inputHash: z
    .string()
    .max(64)
    .describe('Hash of what the run was given. A run that succeeded is not repeated for it.'),
  outcome: z.enum(['Succeeded', 'Failed']).describe('How the run ended.'),
  failures: z.int().min(0).describe('How many runs in a row have failed for this input, this one included.'),
  startedAt: z.iso.datetime().optional().describe('When the Job was created.'),
  finishedAt: z.iso.datetime().optional().describe('When the Job ended.'),
  reason: z.string().max(100).optional().describe('Why it failed, in one CamelCase word.'),
  message: z.string().max(4096).optional().describe('Why it failed, in words.'),
};

const quantityPattern = /^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/;

/** A quantity as pods have it: `cpu: 1` and `cpu: 500m` are both fine. */
const quantity = (description: string) =>
  z
    .union([z.int().min(0), z.string().max(20).regex(quantityPattern)])
    .meta({ description, 'x-kubernetes-int-or-string': true, pattern: quantityPattern.source, minimum: 0 })
    .optional();

const amounts = (description: string) =>
  z
    .object({ cpu: quantity('Processor time: 500m is half a core.'), memory: quantity('Memory, such as 256Mi.') })
    .describe(description)
    .optional();

export const resources = z
  .object({
    requests: amounts('What the scheduler sets aside for a pod.'),
    limits: amounts(
      'What a pod may not exceed: it is slowed down above its processor limit, and killed above its memory limit.',
    ),
  })
  .describe('Processor time and memory of each pod. What is left out keeps the default.');

export const storage = z
  .string()
  .max(12)
  .regex(/^[1-9][0-9]*(Mi|Gi|Ti)$/)
  .describe('Size of the volume, such as 10Gi.');

export const storageClassName = objectName
  .optional()
  .describe("StorageClass of the volume. Left out, it is the cluster's default.");

/** `managed` or `external`: where a store lives. It cannot be changed afterwards, because the data would stay behind. */
export function source<M extends z.ZodType, X extends z.ZodType>(managed: M, external: X, what: string) {
  const either = z.object({ managed: managed.optional(), external: external.optional() });
  return withRules(exactlyOne(either, ['managed', 'external'], `set exactly one of managed and external for ${what}`), [
    {
      cel: 'has(self.managed) == has(oldSelf.managed)',
      message: `${what} cannot change between managed and external, the data would stay behind: create another platform and move the data`,
    },
  ]);
}
