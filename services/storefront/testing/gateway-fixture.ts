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
import { buildSchema, graphql, GraphQLError } from 'graphql';
import { schema } from '@orderplane/gateway/graphql/schema.ts';
import type { Order, Product } from '../gateway/operations.ts';

/** The gateway's own: what does not fit it fails here as it would there. */
const gatewaySchema = buildSchema(schema);

export interface GatewayFixture {
  url: string;
  products: Product[];
  /** Newest first. */
  readModel: Order[];
  /** Accepted and not in the read model: what `deliver` moves there. With `delivery` automatic, that happens at once. */
  accepted: Order[];
  delivery: 'automatic' | 'manual';
  /** Orders by the idempotency key that they came with. */
  byKey: Map<string, Order>;
  /** Deaf takes requests and answers only on `release`; babbling answers no JSON; cutting does its work and hangs up. */
  mood: 'well' | 'deaf' | 'babbling' | 'cutting';
  release: () => void;
  /** Resolves when an operation of this name comes in. */
  nextRequest: (operation: string) => Promise<void>;
  requests: { operation: string; headers: IncomingHttpHeaders }[];
  deliver: () => void;
  /** Refuses connections until `resume`, on the same port. */
  stop: () => Promise<void>;
  resume: () => Promise<void>;
}

interface GatewayRequest {
  body: string;
  headers: IncomingHttpHeaders;
}

interface GraphqlRequest {
  query: string;
  operationName: string;
  variables?: Record<string, unknown>;
}

export async function startGatewayFixture(): Promise<GatewayFixture> {
  const held: (() => void)[] = [];
  const incoming = new EventEmitter();
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const fixture: GatewayFixture = {
    url: `http://127.0.0.1:${port}/graphql`,
    products: [{ id: 'p1', name: 'Widget', price: 199 }],
    readModel: [],
    accepted: [],
    delivery: 'automatic',
    byKey: new Map(),
    mood: 'well',
    nextRequest: async (operation) => void (await once(incoming, operation)),
    release: () => held.splice(0).forEach((goOn) => goOn()),
    requests: [],
    deliver: () => {
      fixture.readModel.unshift(...fixture.accepted.splice(0));
    },
    stop: () => close(server),
    resume: async () => {
      if (server.listening) return;
      server = await listen(port);
      server.on('request', answer);
    },
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    void text(request).then((body) => {
      const goOn = () => void respond(fixture, { body, headers: request.headers }, response);
      const { operationName } = JSON.parse(body) as GraphqlRequest;
      fixture.requests.push({ operation: operationName, headers: request.headers });
      if (fixture.mood === 'deaf') held.push(goOn);
      else goOn();
      incoming.emit(operationName);
    });
  };
  server.on('request', answer);
  return fixture;
}

async function respond(fixture: GatewayFixture, request: GatewayRequest, response: ServerResponse): Promise<void> {
  if (fixture.mood === 'babbling') {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello');
    return;
  }
  const { query, variables, operationName } = JSON.parse(request.body) as GraphqlRequest;
  const rootValue = resolvers(fixture, request.headers['idempotency-key']?.toString());
  const result = await graphql({
    schema: gatewaySchema,
    source: query,
    rootValue,
    variableValues: variables ?? {},
    operationName,
  });
  if (fixture.mood === 'cutting') response.destroy();
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
}

function resolvers(fixture: GatewayFixture, idempotencyKey: string | undefined): object {
  return {
    products: () => fixture.products,
    order: ({ id }: { id: string }) => fixture.readModel.find((order) => order.id === id),
    orders: ({ first = 20 }: { first?: number }) => ({
      items: fixture.readModel.slice(0, first),
      next: fixture.readModel.length > first ? String(first) : null,
    }),
    createOrder: ({ productId, qty }: { productId: string; qty: number }) => {
      if (!fixture.products.some((product) => product.id === productId)) {
        throw new GraphQLError(`no product ${productId}`, { extensions: { code: 'PRODUCT_NOT_FOUND' } });
      }
      const known = idempotencyKey && fixture.byKey.get(idempotencyKey);
      if (known) return known;
      const createdAt = new Date().toISOString();
      const order = { id: crypto.randomUUID(), productId, qty, status: 'CONFIRMED', createdAt, version: 1 };
      fixture.accepted.push(order);
      if (idempotencyKey) fixture.byKey.set(idempotencyKey, order);
      if (fixture.delivery === 'automatic') fixture.deliver();
      return order;
    },
  };
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return server;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
