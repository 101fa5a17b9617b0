import { createServer, type Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Code, ConnectError, type ConnectRouter, type Interceptor } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { Histogram } from 'prom-client';
import { withRequest } from '../request-context.ts';
import { beginRequest } from '../telemetry/span.ts';
import type { ServiceContext } from '../service.ts';
import { rootMessage } from '../errors.ts';
import { toWire } from './errors.ts';
import { rpcSpan, STATUS_CODE } from './spans.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;
const MAX_DEADLINE_MS = 30_000;
const FINISH_WITHIN_MS = 10_000;
const CONNECTION_AGE_MS = 30_000;

/**
 * Serves gRPC over h2c. When the service stops, clients are told to go elsewhere and running calls are finished; so they are when their connection
 * has come of age: a Service balances connections, not calls, and a replica that is new would be asked by nobody.
 */
export async function serveGrpc(
  context: Omit<ServiceContext<unknown>, 'config'>,
  port: number,
  routes: (router: ConnectRouter) => void,
  { connectionAgeMs = CONNECTION_AGE_MS } = {},
): Promise<{ port: number }> {
  const handler = connectNodeAdapter({
    routes,
    connect: false,
    grpcWeb: false,
    readMaxBytes: MAX_MESSAGE_BYTES,
    maxTimeoutMs: MAX_DEADLINE_MS,
    interceptors: [observed(context)],
  });
  const sessions = new Set<Http2Session>();
  const server = createServer(handler);
  server.on('session', (session) => {
    sessions.add(session);
    // Spread by a quarter: connections that were made at once do not end at once.
    // No notice before that (RFC 9113, 6.8): a call that Node's client has not sent when it comes would wait for ever.
    const timer = setTimeout(() => session.close(), connectionAgeMs * (0.75 + Math.random() / 2));
    session.once('close', () => {
      clearTimeout(timer);
      sessions.delete(session);
    });
  });
  server.on('sessionError', (error) => context.log.debug({ err: error }, 'a gRPC connection broke'));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  context.onStop(
    () =>
      new Promise((resolve) => {
        const cut = setTimeout(() => sessions.forEach((session) => session.destroy()), FINISH_WITHIN_MS);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        for (const session of sessions) session.close();
      }),
  );
  return { port: (server.address() as AddressInfo).port };
}

/** Gives a call its request's ids, its metrics and its log line, and turns what it throws into an answer. */
function observed({ name, log, metrics, tracing }: Omit<ServiceContext<unknown>, 'config'>): Interceptor {
  const duration = new Histogram({
    name: 'grpc_server_handling_seconds',
    help: 'Time from a gRPC request to its answer.',
    labelNames: ['method', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [metrics],
  });
  return (next) => (request) => {
    const context = beginRequest(tracing, (header) => request.header.get(header), rpcSpan('server', request.method));
    return withRequest(context, async () => {
      const method = request.method.name;
      const started = performance.now();
      const end = (status: string) => {
        const ms = performance.now() - started;
        duration.observe({ method, status }, ms / 1000);
        return { method, status, ms: Math.round(ms * 10) / 10 };
      };
      try {
        const response = await next(request);
        log.debug(end('OK'), 'handled');
        context.span?.end();
        return response;
      } catch (error) {
        const failure = toWire(error, name);
        const facts = end(Code[failure.code]);
        if (isBug(failure)) log.error({ ...facts, err: failure.cause ?? failure }, 'failed');
        else if (isOutage(failure)) log.warn({ ...facts, reason: rootMessage(failure) }, 'could not be handled');
        else log.debug({ ...facts, reason: failure.rawMessage }, 'refused');
        context.span?.set({ [STATUS_CODE]: failure.code });
        // What the caller did wrong is no failure of the service.
        context.span?.end(isBug(failure) || isOutage(failure) ? failure : undefined);
        throw failure;
      }
    });
  };
}

function isBug({ code }: ConnectError): boolean {
  return code === Code.Internal || code === Code.Unknown;
}

function isOutage({ code }: ConnectError): boolean {
  return code === Code.Unavailable || code === Code.DeadlineExceeded;
}
