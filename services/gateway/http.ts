import cors from '@fastify/cors';
import type { Logger } from '@orderplane/shared/log.ts';
import { type RequestContext, requestContextFrom, withRequest } from '@orderplane/shared/request-context.ts';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyRequest } from 'fastify';
import { Counter, Histogram, type Registry } from 'prom-client';

const BODY_LIMIT = 64 * 1024;

declare module 'fastify' {
  interface FastifyRequest {
    context: RequestContext;
  }
}

/** The public HTTP server before its routes: request ids, CORS, limits, metrics. */
export async function httpServer(log: Logger, metrics: Registry): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    requestTimeout: 15_000,
  });
  app.decorateRequest('context', null as never);
  app.addHook('onRequest', async (request, reply) => {
    const context = requestContextFrom((name) => request.headers[name]?.toString());
    request.context = context;
    request.id = context.requestId;
    reply.header('x-request-id', context.requestId);
  });
  // After the body was read, which happens in the connection's context and not in the request's.
  app.addHook('preValidation', (request, _reply, done) => withRequest(request.context, done));
  await app.register(cors, {
    origin: '*',
    methods: ['GET', 'POST'],
    allowedHeaders: [
      'content-type',
      'authorization',
      'idempotency-key',
      'x-request-id',
      'x-correlation-id',
      'traceparent',
    ],
    exposedHeaders: ['x-request-id'],
    maxAge: 600,
  });
  observe(app, metrics);
  return app;
}

function observe(app: FastifyInstance, metrics: Registry): void {
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
  app.addHook('onResponse', async (request: FastifyRequest, reply) => {
    const labels = {
      method: request.method,
      endpoint: request.routeOptions.url ?? 'unknown',
      status_code: String(reply.statusCode),
    };
    requests.inc(labels);
    duration.observe(labels, reply.elapsedTime / 1000);
    request.log.debug({ ...labels, requestId: request.id, ms: Math.round(reply.elapsedTime) }, 'answered');
  });
}
