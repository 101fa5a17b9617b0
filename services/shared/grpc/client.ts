import { setTimeout as delay } from 'node:timers/promises';
import { create, type DescMethod, type DescService, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import {
  Client as Connection,
  type ChannelOptions,
  connectivityState,
  credentials,
  Metadata,
  status as Code,
} from '@grpc/grpc-js';
import { backoffMs } from '../backoff.ts';
import { currentRequest, requestHeaders } from '../request-context.ts';
import { annotate, inSpan } from '../telemetry/span.ts';
import { limitConnecting } from './connect-timeout.ts';
import { answerDrainingPings } from './draining-sessions.ts';
import { foundNoConnection, fromWire, statusCodeOf, wasNeverBegun, wasTurnedAway } from './errors.ts';
import { asBuffer, type CallOptions, type Client, pathOf, unaryMethods } from './methods.ts';
import { type RetryBudget, retryBudget } from './retry-budget.ts';
import { rpcSpan, STATUS_CODE } from './spans.ts';

const RETRIES = 2;
/** Each of them may be to another replica. */
const CONNECTIONS = 3;
const RETRY_BACKOFF = { firstMs: 50, maxMs: 200 };
/** From the first call that found no connection: a service that is begun anew, or moves, is back by then. */
const PATIENCE_MS = 3000;

const OPTIONS: ChannelOptions = {
  // Connections of its own.
  'grpc.use_local_subchannel_pool': 1,
  // A peer that vanished without closing its connection is noticed by unanswered pings.
  'grpc.keepalive_time_ms': 5000,
  'grpc.keepalive_timeout_ms': 2000,
  'grpc.keepalive_permit_without_calls': 1,
  // A service that is back is soon found.
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.dns_min_time_between_resolutions_ms': 500,
  // Neither a proxy nor a TXT record has a say in it.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_channelz': 0,
};

/**
 * A client of another service over h2c, on a few connections, which the service ends now and then so that calls spread over its replicas. Every call has a deadline, carries the ids of the request it serves, and fails with a
 * CodedError that names the service. Where there is no connection, calls wait for one, until a few seconds after the first that found none. Tried again, within their deadline, are calls that the
 * service never began with, and when it was not available those that the contract declares free of side effects; others never are; and no more than the budget of retries allows.
 */
export function grpcClient<Service extends DescService>(
  description: Service,
  { service, url, timeoutMs }: { service: string; url: string; timeoutMs: number },
): Client<Service> {
  answerDrainingPings();
  limitConnecting();
  const { hostname, port } = new URL(url);
  const address = `${hostname}:${port || '80'}`;
  const connections = Array.from(
    { length: CONNECTIONS },
    () => new Connection(address, credentials.createInsecure(), OPTIONS),
  );
  // The first calls are not to wait for it.
  connections.forEach(connect);
  const turns = inTurn(connections);
  const budget = retryBudget();
  const call = (method: DescMethod) => {
    const path = pathOf(method);
    const isSafe = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    return async (request: object, options: CallOptions = {}) => {
      const deadline = Date.now() + (options.timeoutMs ?? timeoutMs);
      try {
        const message = toBinary(method.input, create(method.input, request as Message));
        const attempt = () => unary(turns.next(), path, message, deadline);
        const retries = { isSafe, budget, deadline, isPatient: turns.isPatient };
        const answer = await inSpan(rpcSpan('client', method), () => retried(attempt, retries));
        return fromBinary(method.output, answer);
      } catch (error) {
        throw fromWire(error, service);
      }
    };
  };
  const methods = unaryMethods(description).map((method) => [method.localName, call(method)] as const);
  return Object.fromEntries(methods) as unknown as Client<Service>;
}

/** Begins to connect where there is no connection, and tells whether it is up. */
function connect(connection: Connection): boolean {
  return connection.getChannel().getConnectivityState(true) === connectivityState.READY;
}

interface Turns {
  /** One connection after the other, of those that are up if any is: the way to a replica that vanished or froze may be long in failing. */
  next(): Connection;
  /** Whether none is up, and that is new. */
  isPatient(): boolean;
}

function inTurn(connections: readonly Connection[]): Turns {
  let calls = 0;
  let downSince: number | undefined;
  const turn = () => connections[calls++ % connections.length]!;
  return {
    next() {
      for (let tried = 0; tried < connections.length; tried++) {
        const connection = turn();
        if (!connect(connection)) continue;
        downSince = undefined;
        return connection;
      }
      downSince ??= performance.now();
      return turn();
    },
    isPatient: () => downSince !== undefined && performance.now() - downSince < PATIENCE_MS,
  };
}

interface Retries {
  /** Whether the call may be made again though the service may have done it. */
  readonly isSafe: boolean;
  readonly budget: RetryBudget;
  /** In milliseconds since the epoch. */
  readonly deadline: number;
  /** Whether a call that found no connection is to wait for one. */
  readonly isPatient: () => boolean;
}

async function retried<T>(attempt: () => Promise<T>, retries: Retries): Promise<T> {
  const { isSafe, budget, deadline, isPatient } = retries;
  budget.call();
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      annotate({ [STATUS_CODE]: statusCodeOf(error) });
      // A connection that came of age is no sign of trouble: the first time is free.
      if (failures === 1 && wasTurnedAway(error)) continue;
      const waitMs = backoffMs(RETRY_BACKOFF, failures);
      if (Date.now() + waitMs >= deadline) throw error;
      // Costs the service nothing.
      const waits = foundNoConnection(error) && isPatient();
      const worthIt = wasNeverBegun(error) || (isSafe && statusCodeOf(error) === Code.UNAVAILABLE);
      if (!waits && (!worthIt || failures > RETRIES || !budget.spend())) throw error;
      await delay(waitMs);
    }
  }
}

/** One call with the ids of the current request. The deadline is in milliseconds since the epoch. */
function unary(connection: Connection, path: string, message: Uint8Array, deadline: number): Promise<Uint8Array> {
  const metadata = new Metadata();
  const context = currentRequest();
  if (context) for (const [name, value] of requestHeaders(context)) metadata.set(name, value);
  return new Promise((resolve, reject) => {
    connection.makeUnaryRequest<Uint8Array, Uint8Array>(
      path,
      asBuffer,
      (bytes) => bytes,
      message,
      metadata,
      { deadline },
      (error, answer) => (error ? reject(error) : resolve(answer!)),
    );
  });
}
