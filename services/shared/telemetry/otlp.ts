import { hostname } from 'node:os';
import {
  type Context,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { RELEASE } from '@orderplane/contracts/release.ts';
import type { Registry } from 'prom-client';
import { rootMessage } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Span, SpanOptions, Tracing } from './span.ts';
import { spanQueue } from './span-queue.ts';

export interface TracingOptions {
  readonly service: string;
  /** The collector's base address, such as http://collector:4318. */
  readonly endpoint: string;
  /** The share of traces that begin here and are collected; those from elsewhere go on as they were begun. */
  readonly ratio: number;
  readonly metrics: Registry;
  readonly log: Logger;
}

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/**
 * Traces of one service, sent by OTLP over HTTP. Of OpenTelemetry's variables it reads what the service does not: headers, timeout, compression,
 * certificate and resource attributes. Nothing global is set: several services may share a process.
 */
export function otlpTracing({ service, endpoint, ratio, metrics, log }: TracingOptions): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(
        resourceFromAttributes({
          'service.name': service,
          'service.version': RELEASE,
          'service.instance.id': hostname(),
        }),
      ),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanLimits: { attributeValueLengthLimit: 512 },
    spanProcessors: [spanQueue({ exporter, metrics, log })],
  });
  const tracer = provider.getTracer('orderplane', RELEASE);
  return {
    start: ({ parent, ...options }) => startSpan(tracer, contextOf(parent), options),
    stop: () => provider.shutdown(),
  };
}

function startSpan(tracer: Tracer, context: Context, { name, kind, attributes = {} }: SpanOptions): Span {
  const span = tracer.startSpan(name, { kind: kind ? KINDS[kind] : SpanKind.INTERNAL, attributes }, context);
  return {
    traceparent: traceparentOf(span),
    start: (options) => startSpan(tracer, trace.setSpan(ROOT_CONTEXT, span), options),
    set: (more) => void span.setAttributes(more),
    end(failure) {
      if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: rootMessage(failure) });
      span.end();
    },
  };
}

function traceparentOf(span: OtelSpan): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function contextOf(traceparent: string | undefined): Context {
  if (traceparent === undefined) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  const traceFlags = Number.parseInt(flags, 16) & 1;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
