import cors from '@fastify/cors';
import type { Logger } from '@orderplane/shared/log.ts';
import { type RequestContext, withRequest } from '@orderplane/shared/request-context.ts';
import { httpSpan, observeAnswers } from '@orderplane/shared/telemetry/http-server.ts';
import { beginRequest, type Tracing } from '@orderplane/shared/telemetry/span.ts';
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Registry } from 'prom-client';
import { HttpError, logProblem, problemOf } from './problem.ts';
import { securityHeaders } from './security-headers.ts';

const BODY_LIMIT = 64 * 1024;
/** After which a client may ask a service again that was away. */
const RETRY_AFTER_SECONDS = '2';

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

declare module 'fastify' {
  interface FastifyRequest {
    context: RequestContext;
  }
}

export interface HttpServerOptions {
  readonly log: Logger;
  readonly metrics: Registry;
  readonly tracing?: Tracing | undefined;
  /** Comma-separated, as fastify's trustProxy takes them. */
  readonly trustedProxies: string;
  /** Whether it is about to close, and has clients connect elsewhere. */
  readonly isDraining: () => boolean;
}

/** The public HTTP server before its routes: ids, CORS, limits of size, security headers, errors as problem+json, metrics. */
export async function httpServer({
  log,
  metrics,
  tracing,
  trustedProxies,
  isDraining,
}: HttpServerOptions): Promise<FastifyInstance> {
  const answerError = errorAnswers(log);
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    requestTimeout: 15_000,
    trustProxy: trustedProxies,
    // What arrives at the last moment is served as what came before it.
    return503OnClosing: false,
    // A path that is no path: no hook has run yet.
    frameworkErrors: (error, request, reply) => {
      identify(request, reply, tracing);
      answerError(error, request, reply);
    },
  });
  app.decorateRequest('context', null as never);
  app.addHook('onRequest', (request, reply, done) => {
    identify(request, reply, tracing);
    // A connection that is kept would be cut under the next request.
    if (isDraining()) reply.header('connection', 'close');
    withRequest(request.context, done);
  });
  // Again after the body was read, which happens in the connection's context and not in the request's.
  app.addHook('preValidation', (request, _reply, done) => withRequest(request.context, done));
  app.addHook('onRequest', securityHeaders);
  await app.register(cors, {
    origin: '*',
    methods: [...METHODS],
    allowedHeaders: [
      'content-type',
      'authorization',
      'idempotency-key',
      'x-request-id',
      'x-correlation-id',
      'traceparent',
    ],
    exposedHeaders: ['x-request-id', 'retry-after', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
    maxAge: 600,
  });
  readJsonOnly(app);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw new HttpError('NOT_FOUND');
  });
  observe(app, { metrics, log });
  return app;
}

/** Answers 405, and says what is allowed, to every other method under a path; before any body is read. */
export function refuseOtherMethods(app: FastifyInstance, url: string, allowed: readonly Method[]): void {
  const allow = allowed.join(', ');
  app.route({
    method: METHODS.filter((method) => !allowed.includes(method)),
    url,
    onRequest: async (_request, reply) => {
      reply.header('allow', allow);
      throw new HttpError('METHOD_NOT_ALLOWED', `Allowed here: ${allow}.`);
    },
    handler: () => undefined,
  });
}

function identify(request: FastifyRequest, reply: FastifyReply, tracing: Tracing | undefined): void {
  const { method } = request;
  const span = httpSpan(method, endpointOf(request));
  const context = beginRequest(tracing, (name) => request.headers[name]?.toString(), span);
  request.context = context;
  request.id = context.requestId;
  reply.header('x-request-id', context.requestId);
}

/** Other content types are refused by fastify. No body at all is none, whatever its content type says. */
function readJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body, done);
  });
}

function errorAnswers(log: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const problem = problemOf(error, request.id);
    withRequest(request.context, () => logProblem(log, error, problem));
    if (problem.status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    void reply.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
}

function observe(app: FastifyInstance, { metrics, log }: Pick<HttpServerOptions, 'metrics' | 'log'>): void {
  const answered = observeAnswers(metrics, log);
  app.addHook('onResponse', async (request: FastifyRequest, reply) => {
    const { method, context } = request;
    const { statusCode, elapsedTime: ms } = reply;
    answered(context, { method, endpoint: endpointOf(request), statusCode, ms });
  });
}

/** The route, whatever the path: of few values. */
function endpointOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.url ?? 'unknown';
}
