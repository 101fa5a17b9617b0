import { EventEmitter, once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** Stands in front of a gateway, and lets through as much as it is told to. */
export interface DisturbedGateway {
  /** Where it answers GraphQL. */
  url: string;
  /** Deaf takes requests and lets them on only on `release`; babbling answers no JSON; cutting lets them on and hangs up. */
  mood: 'well' | 'deaf' | 'babbling' | 'cutting';
  release: () => void;
  /** What came, as "POST /api/v1/orders". */
  requests: { name: string; headers: IncomingHttpHeaders; body: string }[];
  /** Resolves when such a request comes in. */
  nextRequest: (name: string) => Promise<void>;
  /** Refuses connections until `resume`, on the same port. */
  stop: () => Promise<void>;
  resume: () => Promise<void>;
}

export async function disturb(gatewayUrl: string): Promise<DisturbedGateway> {
  const held: (() => void)[] = [];
  const incoming = new EventEmitter();
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    void text(request).then((body) => {
      const name = `${request.method} ${request.url?.split('?')[0]}`;
      gateway.requests.push({ name, headers: request.headers, body });
      const goOn = () => void pass(gateway.mood, new URL(request.url ?? '/', gatewayUrl), request, body, response);
      if (gateway.mood === 'deaf') held.push(goOn);
      else goOn();
      incoming.emit(name);
    });
  };
  let server = await listen(0, answer);
  const { port } = server.address() as AddressInfo;
  const gateway: DisturbedGateway = {
    url: `http://127.0.0.1:${port}/graphql`,
    mood: 'well',
    release: () => held.splice(0).forEach((goOn) => goOn()),
    requests: [],
    nextRequest: async (name) => void (await once(incoming, name)),
    stop: () => close(server),
    resume: async () => {
      if (!server.listening) server = await listen(port, answer);
    },
  };
  return gateway;
}

const CARRIED = ['content-type', 'authorization', 'idempotency-key', 'x-forwarded-for'];

async function pass(
  mood: DisturbedGateway['mood'],
  address: URL,
  { method = 'GET', headers }: IncomingMessage,
  body: string,
  response: ServerResponse,
): Promise<void> {
  if (mood === 'babbling') {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello');
    return;
  }
  const carried = CARRIED.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]]));
  const answer = await fetch(address, {
    method,
    headers: carried as [string, string][],
    ...(body === '' ? {} : { body }),
  });
  const answered = await answer.text();
  if (mood === 'cutting') response.destroy();
  else response.writeHead(answer.status, Object.fromEntries(['content-type', 'x-request-id'].flatMap((name) => [[name, answer.headers.get(name) ?? '']]))).end(answered); // prettier-ignore
}

async function listen(
  port: number,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return server;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
