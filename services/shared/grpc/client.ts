import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { DescService } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { backoffMs, pause } from '../backoff.ts';
import { currentRequest, requestHeaders } from '../request-context.ts';
import { annotate, inSpan } from '../telemetry/span.ts';
import { fromWire, wasNeverBegun, wasTurnedAway } from './errors.ts';
import { rpcSpan, STATUS_CODE } from './spans.ts';
import { type RetryBudget, retryBudget } from './retry-budget.ts';
import { guardSessions } from './session-errors.ts';

const RETRIES = 2;
/** Each of them may be to another replica. */
const CONNECTIONS = 3;
const RETRY_BACKOFF = { firstMs: 50, maxMs: 200 };

/**
 * A client of another service over h2c, on a few connections, which the service ends now and then so that calls spread over its replicas. Every call has a deadline, carries the ids of the request it serves, and fails with a
 * CodedError that names the service. Tried again, within their deadline, are calls that the
 * service never began with, and when it was not available those that the contract declares free of side effects; others never are; and no more than the budget of retries allows.
 */
export function grpcClient<Desc extends DescService>(
  description: Desc,
  { service, url, timeoutMs }: { service: string; url: string; timeoutMs: number },
): Client<Desc> {
  guardSessions();
  const interceptors = [identified, retriedWithin(retryBudget())];
  const connection = () =>
    createGrpcTransport({
      baseUrl: url,
      defaultTimeoutMs: timeoutMs,
      interceptors,
      // A peer that vanished without closing its connection is noticed by unanswered pings.
      pingIntervalMs: 5000,
      pingTimeoutMs: 2000,
    });
  const client = createClient(description, inTurn(Array.from({ length: CONNECTIONS }, connection)));
  return withCodedErrors(description, client, service);
}

/** Calls go over one connection after the other. */
function inTurn(transports: readonly Transport[]): Transport {
  let calls = 0;
  const next = () => transports[calls++ % transports.length]!;
  return {
    unary: (...args) => next().unary(...args),
    stream: (...args) => next().stream(...args),
  };
}

const identified: Interceptor = (next) => (request) =>
  inSpan(rpcSpan('client', request.method), async () => {
    const context = currentRequest();
    if (context) for (const [name, value] of requestHeaders(context)) request.header.set(name, value);
    try {
      return await next(request);
    } catch (error) {
      annotate({ [STATUS_CODE]: ConnectError.from(error).code });
      throw error;
    }
  });

const retriedWithin =
  (budget: RetryBudget): Interceptor =>
  (next) =>
  async (request) => {
    const safe = request.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    budget.call();
    for (let failures = 1; ; failures++) {
      try {
        return await next(request);
      } catch (error) {
        // A connection that came of age is no sign of trouble: the first time is free.
        if (failures === 1 && wasTurnedAway(error) && !request.signal.aborted) continue;
        const worthIt = wasNeverBegun(error) || (safe && ConnectError.from(error).code === Code.Unavailable);
        if (!worthIt || failures > RETRIES || request.signal.aborted || !budget.spend()) throw error;
        await pause(backoffMs(RETRY_BACKOFF, failures), request.signal);
      }
    }
  };

// Interceptors can throw only ConnectErrors, so that the translation has to sit around the client.
function withCodedErrors<Desc extends DescService>(
  description: Desc,
  client: Client<Desc>,
  service: string,
): Client<Desc> {
  type Call = (...args: unknown[]) => Promise<unknown>;
  const calls = client as unknown as Record<string, Call>;
  const wrapped = description.methods.map(({ localName, methodKind }) => {
    const call = calls[localName] as Call;
    if (methodKind !== 'unary') throw new Error(`${description.typeName}.${localName}: only unary methods are served`);
    const coded: Call = (...args) => call(...args).catch((error: unknown) => Promise.reject(fromWire(error, service)));
    return [localName, coded] as const;
  });
  return Object.fromEntries(wrapped) as unknown as Client<Desc>;
}
