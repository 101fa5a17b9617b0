/** What every service is told of where its traces go, in the variables of OpenTelemetry. */
import type { Flow } from './network/flows.ts';
import { serversOf } from './network/servers.ts';
import type { Platform } from './platform.ts';

/** For each service of a platform that is traced, its own included: whatever it is written in, its SDK of OpenTelemetry reads them. */
export function tracingVariables(
  { name, namespace, tracing }: Pick<Platform, 'name' | 'namespace' | 'tracing'>,
  service: string,
): { name: string; value: string }[] {
  if (!tracing) return [];
  return Object.entries({
    OTEL_EXPORTER_OTLP_ENDPOINT: tracing.otlpEndpoint,
    OTEL_SERVICE_NAME: service,
    OTEL_RESOURCE_ATTRIBUTES: `service.namespace=${name},k8s.namespace.name=${namespace}`,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: String(tracing.samplingPercent / 100),
  }).map(([variable, value]) => ({ name: variable, value }));
}

/** To the collector: by its address where the endpoint has one, otherwise to its port. */
export function tracingFlows({ services, tracing }: Pick<Platform, 'services' | 'tracing'>): Flow[] {
  if (!tracing) return [];
  return serversOf(tracing.otlpEndpoint).flatMap(({ peer, port }) =>
    services.map(({ name }) => ({
      from: { component: { name, role: 'service' } } as const,
      to: peer,
      ports: [port],
    })),
  );
}
