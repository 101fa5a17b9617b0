import type { BaseConfig } from '../config.ts';
import type { TracingOptions } from './otlp.ts';
import type { Tracing } from './span.ts';

/** A service that sends no traces does not pay for the code. */
export async function openTracing(
  { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio }: BaseConfig,
  from: Pick<TracingOptions, 'service' | 'metrics' | 'log'>,
): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined;
  const { otlpTracing } = await import('./otlp.ts');
  return otlpTracing({ ...from, endpoint, ratio });
}
