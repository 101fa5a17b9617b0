/** The shop's REST API as its clients see it, through the gateway. */
import { eventually } from './eventually.ts';

export interface Sent {
  readonly token?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Received {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a test expects of it says what it is
  readonly body: any;
}

/** One request to the gateway. A transport failure throws; a refusal is an answer. */
export async function send(gatewayUrl: string, method: string, path: string, sent: Sent = {}): Promise<Received> {
  const { token, body, headers } = sent;
  const response = await fetch(gatewayUrl + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** One request below /api/v1. */
export const call: typeof send = (gatewayUrl, method, path, sent) => send(gatewayUrl, method, `/api/v1${path}`, sent);

export const PASSWORD = 'correct horse battery staple';

export interface Tokens {
  readonly accessToken: string;
  readonly expiresIn: number;
  readonly refreshToken: string;
  readonly refreshExpiresIn: number;
}

/** Makes an account, or fails with the refusal. */
export async function register(gatewayUrl: string, name: string): Promise<{ email: string; tokens: Tokens }> {
  const email = `${name}@example.com`;
  const made = await call(gatewayUrl, 'POST', '/auth/register', { body: { email, password: PASSWORD, name } });
  if (made.status !== 201) throw new Error(`no account for ${name}: ${JSON.stringify(made.body)}`);
  return { email, tokens: made.body.tokens };
}

export interface Line {
  readonly productId: string;
  readonly qty: number;
}

export interface Card {
  readonly method: string;
  readonly token: string;
}

/** Somebody with an account, who orders. */
export interface Customer {
  readonly email: string;
  readonly tokens: Tokens;
  call(method: string, path: string, sent?: Omit<Sent, 'token'>): Promise<Received>;
  /** Orders, and returns the id; fails with the refusal. */
  order(lines: readonly Line[], payment?: Card): Promise<string>;
  /** The order, once it has come to that status. */
  orderOnce(id: string, status: string): Promise<Received['body']>;
  /** The one payment of an order, once it is there and as it was then. */
  paymentOf(id: string): Promise<Received['body']>;
}

export async function newCustomer(gatewayUrl: string, name: string): Promise<Customer> {
  const { email, tokens } = await register(gatewayUrl, name);
  const own: Customer['call'] = (method, path, sent) =>
    call(gatewayUrl, method, path, { ...sent, token: tokens.accessToken });
  return {
    email,
    tokens,
    call: own,
    async order(lines, payment) {
      const placed = await own('POST', '/orders', { body: { lines, ...(payment && { payment }) } });
      if (placed.status !== 201) throw new Error(`no order: ${JSON.stringify(placed.body)}`);
      return placed.body.id;
    },
    async orderOnce(id, status) {
      const ask = async () => {
        const { body } = await own('GET', `/orders/${id}`);
        if (body.status !== status) throw new Error(`it is ${JSON.stringify(body)}`);
        return body;
      };
      return eventually(ask, { timeoutMs: 15_000, what: `order ${id} becoming ${status}` });
    },
    async paymentOf(id) {
      const ask = async () => (await own('GET', `/payments?orderId=${id}`)).body.items[0];
      return eventually(ask, { timeoutMs: 15_000, what: `a payment of order ${id}` });
    },
  };
}
