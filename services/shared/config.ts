import * as z from 'zod';

/** What every service can be told. */
const base = z.object({
  LOG_LEVEL: z
    .string()
    .default('INFO')
    .transform((level) => level.toLowerCase())
    .pipe(
      z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], 'must be TRACE, DEBUG, INFO, WARN, ERROR or FATAL'),
    ),
  MANAGEMENT_PORT: port(8081),
  /** Base address of a collector of traces that speaks OTLP over HTTP. Without it there are none. */
  OTEL_EXPORTER_OTLP_ENDPOINT: uri('http', 'https').optional(),
  /** The share of traces that are collected, of those that begin here. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number('must be a number').min(0).max(1).default(1),
  /** How long requests are still taken after SIGTERM, for those who have not heard yet that this pod is going. */
  DRAIN_DELAY_MS: z.coerce.number().int().min(0).max(60_000).default(3000),
});

export type BaseConfig = z.infer<typeof base>;

/** The schema of a service's environment: what every service has, and its own. */
export function environment<Shape extends z.ZodRawShape>(shape: Shape) {
  return base.extend(shape);
}

/** A listening port with its default; 0 lets the system choose. */
export function port(fallback: number) {
  return z.coerce.number('must be a port').int('must be a port').min(0).max(65_535).default(fallback);
}

/** A connection URI of one of the schemes, such as `postgres`. The message never repeats it: it holds a password. */
export function uri(...schemes: string[]) {
  return z.string('is required').refine((value) => schemes.includes(URL.parse(value)?.protocol.slice(0, -1) ?? ''), {
    error: `must be a URI that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  });
}

/** A file that may be named, such as the certificate of a server's own authority. */
export function file() {
  return z.string().optional();
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** A length of time such as 30s, 15m or 1h30m, more than nothing; in milliseconds when parsed. */
export function duration(fallback: string) {
  const milliseconds = (value: string) =>
    [...value.matchAll(/(\d+)(ms|s|m|h)/g)].reduce(
      (sum, [, n, unit]) => sum + Number(n) * UNIT_MS[unit as keyof typeof UNIT_MS],
      0,
    );
  return z
    .string()
    .default(fallback)
    .refine((value) => /^(?:\d{1,6}(?:ms|s|m|h))+$/.test(value) && milliseconds(value) > 0, {
      error: 'must be a duration, such as 30s, 15m or 168h',
    })
    .transform(milliseconds);
}

/** Everything that is wrong with the environment, in one error. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Parses a service's environment. An empty variable counts as absent, as in a shell's `${NAME:-default}`.
 * Throws one ConfigError that lists every problem by the variable's name, and no value.
 */
export function loadConfig<Config>(
  service: string,
  schema: z.ZodType<Config>,
  env: Readonly<Record<string, string | undefined>>,
): Config {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.safeParse(present);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`${service} cannot start, its environment is wrong:\n${problems.join('\n')}`);
}
