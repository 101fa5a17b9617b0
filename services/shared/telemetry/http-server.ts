import { Counter, Histogram, type Registry } from 'prom-client';
import type { Logger } from '../log.ts';
import { type RequestContext, withRequest } from '../request-context.ts';
import type { SpanOptions } from './span.ts';

export interface AnsweredRequest {
  readonly method: string;
  /** The route, whatever the path: of few values. */
  readonly endpoint: string;
  readonly statusCode: number;
  readonly ms: number;
}

/** The work on a request. */
export function httpSpan(method: string, endpoint: string): SpanOptions {
  const attributes = { 'http.request.method': method, 'http.route': endpoint };
  return { name: `${method} ${endpoint}`, kind: 'server', attributes };
}

/** To be told of each request that was answered: counts it, ends its span, and logs it. */
export function observeAnswers(
  metrics: Registry,
  log: Logger,
): (context: RequestContext, request: AnsweredRequest) => void {
  const labelNames = ['method', 'endpoint', 'status_code'] as const;
  const registers = [metrics];
  const requests = new Counter({ name: 'http_requests_total', help: 'Requests answered.', labelNames, registers });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request to its answer.',
    labelNames,
    buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  return (context, { method, endpoint, statusCode, ms }) => {
    const labels = { method, endpoint, status_code: String(statusCode) };
    requests.inc(labels);
    duration.observe(labels, ms / 1000);
    context.span?.set({ 'http.response.status_code': statusCode });
    context.span?.end(statusCode >= 500 ? new Error(labels.status_code) : undefined);
    withRequest(context, () => log.debug({ ...labels, ms: Math.round(ms) }, 'answered'));
  };
}
