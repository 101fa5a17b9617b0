import { z } from 'zod';
import { objectName } from './fields.ts';
import { exactlyOne, quoted, withRules } from './rules.ts';

/** Variables that the operator sets; a service's own `env` may not. */
const RESERVED_ENV = [
  'POSTGRES_URI',
  'MONGO_URI',
  'REDIS_URI',
  'BROKER_URI',
  'REDIS_CA_FILE',
  'BROKER_CA_FILE',
  'VERIFICATION_KEY',
  'IDENTITY_SECRET',
  'ANONYMOUS_ORDERS',
  'PLATFORM',
  'PROFILE',
  'PORT',
  'MANAGEMENT_PORT',
];

const keyOf = (kind: 'Secret' | 'ConfigMap') =>
  z
    .object({
      name: objectName.describe(`Name of the ${kind}, in the same namespace.`),
      key: z
        .string()
        .min(1)
        .max(253)
        .regex(/^[-._a-zA-Z0-9]+$/)
        .describe('Key in it.'),
      optional: z
        .boolean()
        .optional()
        .describe('Whether pods may start without it; the variable is not set then. Default false: they wait for it.'),
    })
    .describe(`A key of a ${kind}. When its value changes, the pods are rolled, within some ten seconds.`)
    .optional();

const valueFrom = exactlyOne(
  z.object({ secretKeyRef: keyOf('Secret'), configMapKeyRef: keyOf('ConfigMap') }),
  ['secretKeyRef', 'configMapKeyRef'],
  'set exactly one of secretKeyRef and configMapKeyRef',
).describe('Where the value is, if not here.');

export const environmentVariable = withRules(
  exactlyOne(
    z.object({
      name: z
        .string()
        .min(1)
        .max(100)
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
        .describe('Name of the variable.'),
      value: z.string().max(4096).optional().describe('Its value.'),
      valueFrom: valueFrom.optional(),
    }),
    ['value', 'valueFrom'],
    'set exactly one of value and valueFrom',
  ),
  [
    {
      cel: `!(self.name in ${quoted(RESERVED_ENV)})`,
      message: `${RESERVED_ENV.join(', ')} are set by the operator: use needs for connections, and port for the port`,
      holds: ({ name }) => !RESERVED_ENV.includes(name),
    },
  ],
);
export type EnvironmentSpec = z.infer<typeof environmentVariable>;
