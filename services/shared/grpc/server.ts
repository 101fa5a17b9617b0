import { networkInterfaces } from 'node:os';
import { create, type DescMethod, type DescService, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { type handleUnaryCall, Server, ServerCredentials, type ServerUnaryCall, status as Code } from '@grpc/grpc-js';
import { Histogram } from 'prom-client';
import { asCoded, CodedError, ERRORS, rootMessage } from '../errors.ts';
import { withRequest } from '../request-context.ts';
import type { ServiceContext } from '../service.ts';
import { beginRequest } from '../telemetry/span.ts';
import { toWire } from './errors.ts';
import { asBuffer, type CallContext, pathOf, type ServiceImpl, unaryMethods } from './methods.ts';
import { rpcSpan, STATUS_CODE } from './spans.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;
const FINISH_WITHIN_MS = 10_000;
const CONNECTION_AGE_MS = 30_000;

type Context = Omit<ServiceContext<unknown>, 'config'>;
type UnaryCall = ServerUnaryCall<Uint8Array, Uint8Array>;
type Handler = (request: unknown, call: CallContext) => unknown;

export interface GrpcRouter {
  /** Methods that are left out answer UNIMPLEMENTED. */
  service<Service extends DescService>(service: Service, methods: Partial<ServiceImpl<Service>>): void;
}

/**
 * Serves gRPC over h2c. When the service stops, clients are told to go elsewhere and running calls are finished; so they are when their connection
 * has come of age: a Service balances connections, not calls, and a replica that is new would be asked by nobody.
 */
export async function serveGrpc(
  context: Context,
  port: number,
  routes: (router: GrpcRouter) => void,
  { connectionAgeMs = CONNECTION_AGE_MS } = {},
): Promise<{ port: number }> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_connection_age_ms': connectionAgeMs,
    'grpc.max_connection_age_grace_ms': FINISH_WITHIN_MS,
    'grpc.enable_channelz': 0,
  });
  const observe = observer(context);
  routes({
    service(service, methods) {
      const handlers = methods as Readonly<Record<string, Handler | undefined>>;
      for (const method of unaryMethods(service)) {
        const handler = handlers[method.localName];
        if (!handler) continue;
        const handle: handleUnaryCall<Uint8Array, Uint8Array> = (call, answer) => {
          const done = observe(method, call, () => answered(method, handler, call));
          void done.then((bytes) => answer(null, bytes), answer);
        };
        // The bytes as they are: what cannot be read is then observed as any other call.
        server.register(pathOf(method), handle, asBuffer, (bytes) => bytes, 'unary');
      }
    },
  });
  const listening = await listen(server, port);
  context.onStop(
    () =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.forceShutdown(), FINISH_WITHIN_MS);
        server.tryShutdown(() => {
          clearTimeout(cut);
          resolve();
        });
      }),
  );
  return { port: listening };
}

/** On all addresses: those of IPv6 too where the machine has any. Tells the port, which 0 leaves to the machine. */
function listen(server: Server, port: number): Promise<number> {
  const hasIPv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6')); // prettier-ignore
  const address = `${hasIPv6 ? '[::]' : '0.0.0.0'}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
}

async function answered(method: DescMethod, handler: Handler, call: UnaryCall): Promise<Uint8Array> {
  const response = await handler(requestOf(method, call), new Caller(call));
  return toBinary(method.output, create(method.output, response as Message));
}

function requestOf({ input }: DescMethod, { request }: UnaryCall) {
  try {
    return fromBinary(input, request);
  } catch (cause) {
    throw new CodedError('BAD_USER_INPUT', { message: `The message is no ${input.typeName}.`, cause });
  }
}

/** Makes its signal only for who asks: most calls are over before it could matter. */
class Caller implements CallContext {
  readonly #call: UnaryCall;
  #controller: AbortController | undefined;

  constructor(call: UnaryCall) {
    this.#call = call;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.#call.cancelled) controller.abort();
      else this.#call.once('cancelled', () => controller.abort());
    }
    return this.#controller.signal;
  }
}

/** Gives calls their request's ids, their metrics and their log lines, and turns what they throw into answers. */
function observer({ name, log, metrics, tracing }: Context) {
  const duration = new Histogram({
    name: 'grpc_server_handling_seconds',
    help: 'Time from a gRPC request to its answer.',
    labelNames: ['method', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [metrics],
  });
  return <T>(description: DescMethod, { metadata }: UnaryCall, work: () => Promise<T>): Promise<T> => {
    const header = (key: string) => metadata.get(key)[0]?.toString();
    const context = beginRequest(tracing, header, rpcSpan('server', description));
    return withRequest(context, async () => {
      const method = description.name;
      const started = performance.now();
      const end = (code: Code) => {
        const ms = performance.now() - started;
        const status = nameOf(code);
        duration.observe({ method, status }, ms / 1000);
        return { method, status, ms: Math.round(ms * 10) / 10 };
      };
      try {
        const answer = await work();
        log.debug(end(Code.OK), 'handled');
        context.span?.end();
        return answer;
      } catch (error) {
        const failure = asCoded(error);
        const code = ERRORS[failure.code].grpc;
        const facts = end(code);
        const isBug = code === Code.INTERNAL;
        const isOutage = code === Code.UNAVAILABLE || code === Code.DEADLINE_EXCEEDED;
        if (isBug) log.error({ ...facts, err: failure.cause ?? failure }, 'failed');
        else if (isOutage) log.warn({ ...facts, reason: rootMessage(failure) }, 'could not be handled');
        else log.debug({ ...facts, reason: failure.message }, 'refused');
        context.span?.set({ [STATUS_CODE]: code });
        // What the caller did wrong is no failure of the service.
        context.span?.end(isBug || isOutage ? failure : undefined);
        throw toWire(failure, name);
      }
    });
  };
}

/** As metrics of gRPC have it in other languages, too: `NotFound`. */
function nameOf(code: Code): string {
  if (code === Code.OK) return 'OK';
  return Code[code].toLowerCase().replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
