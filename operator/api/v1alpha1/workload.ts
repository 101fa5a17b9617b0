/** How a service runs: probes, scaling, schedules. */
import { z } from 'zod';
import { withRules } from './rules.ts';

const seconds = (description: string) => z.int().min(1).max(3600).optional().describe(description);

const probe = (description: string) =>
  withRules(
    z.object({
      path: z
        .string()
        .max(1024)
        .regex(/^\/\S*$/)
        .optional()
        .describe('Path that answers 200 to 399 to a GET.'),
      command: z
        .array(z.string().max(1024))
        .min(1)
        .max(32)
        .optional()
        .describe('Command that is run in the container, and ends with 0.'),
      port: z
        .int()
        .min(1)
        .max(65535)
        .optional()
        .describe(
          "Port that is asked. Left out, it is the service's own; for services of the release, their management port.",
        ),
      initialDelaySeconds: z
        .int()
        .min(0)
        .max(3600)
        .optional()
        .describe('Seconds after the start of the container before it is first asked.'),
      periodSeconds: seconds('Seconds between two questions.'),
      timeoutSeconds: seconds('Seconds that an answer may take.'),
      failureThreshold: z.int().min(1).max(1000).optional().describe('Failures in a row that count.'),
    }),
    [
      {
        cel: '!(has(self.path) && has(self.command))',
        message: 'a probe has either a path or a command',
        holds: ({ path, command }) => path === undefined || command === undefined,
      },
      {
        cel: '!(has(self.port) && has(self.command))',
        message: 'a probe that runs a command asks no port',
        holds: ({ port, command }) => port === undefined || command === undefined,
      },
    ],
  )
    .describe(description)
    .optional();

export const probes = z
  .object({
    startup: probe(
      'Whether it has come up; it is restarted when it does not. Left out, it asks what liveness asks, every second for three minutes.',
    ),
    readiness: probe('Whether it can serve: only then it gets traffic, and a rollout goes on.'),
    liveness: probe('Whether it still works: it is restarted when it does not.'),
  })
  .describe(
    "How Kubernetes asks a pod how it is. What is left out keeps the default: a release's service has its own, every other one with a port is asked whether it takes connections.",
  );
export type ProbesSpec = z.infer<typeof probes>;
export type ProbeSpec = NonNullable<ProbesSpec['liveness']>;

export const autoscaling = withRules(
  z.object({
    minReplicas: z
      .int()
      .min(1)
      .max(50)
      .optional()
      .describe("Fewest pods. Left out, it is what the platform's profile gives, or maxReplicas where that is less."),
    maxReplicas: z.int().min(1).max(50).describe('Most pods.'),
    targetCPUUtilizationPercentage: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe('Processor time that pods are kept at, in percent of what they request. Default 80.'),
  }),
  [
    {
      cel: '!has(self.minReplicas) || self.minReplicas <= self.maxReplicas',
      message: 'minReplicas is at most maxReplicas',
      holds: ({ minReplicas = 1, maxReplicas }) => minReplicas <= maxReplicas,
    },
  ],
).describe(
  'Scales the pods by the processor time that they use, by a HorizontalPodAutoscaler; the cluster needs metrics-server for it. In profile prod every service without replicas is scaled so. Set replicas to have a fixed number instead.',
);

export const WORKLOAD_TYPES = ['Deployment', 'CronJob'] as const;

const list = (value: string) => `(\\*|${value}(-${value})?)(/[0-9]{1,2})?(,(\\*|${value}(-${value})?)(/[0-9]{1,2})?)*`;
const MONTHS = 'JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC';
const WEEKDAYS = 'SUN|MON|TUE|WED|THU|FRI|SAT';
const anyCase = (names: string) => names.replace(/[A-Z]/g, (letter) => `[${letter}${letter.toLowerCase()}]`);
const FIELDS = [
  '[0-5]?[0-9]',
  '([01]?[0-9]|2[0-3])',
  '([12]?[0-9]|3[01])',
  `([1-9]|0[1-9]|1[0-2]|${anyCase(MONTHS)})`,
  `([0-6]|${anyCase(WEEKDAYS)})`,
];
const CRON = new RegExp(`^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|${FIELDS.map(list).join(' +')})$`);

export const schedule = withRules(
  z
    .string()
    .max(100)
    .describe('When a CronJob runs: minute, hour, day of the month, month, day of the week; or @daily and the like.'),
  [
    {
      cel: `self.matches('${CRON.source.replaceAll('\\', '\\\\')}')`,
      message:
        "schedule has five fields: minute (0-59), hour (0-23), day of the month (1-31), month (1-12), day of the week (0-6, Sunday is 0), such as '0 2 * * *'; or is @hourly, @daily, @weekly, @monthly or @yearly. The time zone goes into timeZone",
      holds: (value) => CRON.test(value),
    },
  ],
);

export const timeZone = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/)
  .describe("Time zone of the schedule, such as Europe/Berlin. Left out, it is the cluster's, mostly UTC.");

const CONCURRENCY_POLICIES = ['Allow', 'Forbid', 'Replace'] as const;

export const concurrencyPolicy = z
  .enum(CONCURRENCY_POLICIES)
  .describe(
    'What happens when a run is due while the last one still runs. Forbid: it is skipped. Replace: the old run is ended. Allow: both run. Default Forbid.',
  );
