import { startService } from '@orderplane/shared/service.ts';
import { gateway } from '../app.ts';
import { type Calls, fakeServices, serveFakes } from './upstreams.ts';
import { ADMIN, issuer, OWNER, STRANGER, VERIFICATION_KEY } from './tokens.ts';

/** A gateway in this process, with played services behind it that are reached over real gRPC. */
export async function startGateway(env: Record<string, string> = {}) {
  const users = await issuer();
  const state = { calls: [] as Calls, orders: 2, jwks: () => JSON.stringify({ keys: [users.jwk] }) };
  const fakes = await serveFakes(fakeServices(state));
  const url = `http://127.0.0.1:${fakes.port}`;
  const service = await startService(gateway, {
    PORT: '0',
    MANAGEMENT_PORT: '0',
    DRAIN_DELAY_MS: '0',
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'FATAL',
    INVENTORY_URL: url,
    ORDERS_URL: url,
    ORDER_QUERY_URL: url,
    USERS_URL: url,
    PAYMENTS_URL: url,
    VERIFICATION_KEY,
    RATE_LIMIT_PER_MINUTE: '1000000',
    AUTH_RATE_LIMIT_PER_MINUTE: '1000000',
    ...env,
  });
  const base = `http://127.0.0.1:${service.port}`;
  return {
    base,
    state,
    users,
    fakes,
    tokens: {
      own: await users.token({ sub: OWNER }),
      other: await users.token({ sub: STRANGER }),
      admin: await users.token({ sub: ADMIN, roles: ['customer', 'admin'] }),
      expired: await users.token({ sub: OWNER, exp: '-1s' }),
    },
    send: (method: string, path: string, options: Sent = {}) => send(base, method, path, options),
    graphql: (query: string, variables: object = {}, options: Sent = {}) =>
      send(base, 'POST', '/graphql', { ...options, body: { query, variables } }),
    async stop() {
      await service.stop();
      await fakes.stop();
    },
  };
}

export type TestGateway = Awaited<ReturnType<typeof startGateway>>;

export interface Sent {
  readonly token?: string | undefined;
  readonly headers?: Record<string, string>;
  /** Sent as JSON, or as it is when it is a string. */
  readonly body?: unknown;
}

export interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly type: string | null;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a test expects of it says what it is
  readonly body: any;
}

export async function send(
  base: string,
  method: string,
  path: string,
  { token, headers, body }: Sent,
): Promise<Received> {
  const response = await fetch(base + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const type = response.headers.get('content-type');
  const parsed: unknown = type?.includes('json') && text !== '' ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, type, body: parsed };
}
