import { setTimeout as delay } from 'node:timers/promises';
import { CodedError, type ErrorCode, isErrorCode } from '@orderplane/shared/errors.ts';
import { GRACE_MS } from '@orderplane/users/sessions/session-store.ts';

/** What a client does with the gateway's API, as somebody with an account. */
export interface Account {
  /** Asks until there is an answer; the body of the answer. Throws the CodedError that the gateway refuses with. */
  ask<Answer>(method: 'GET' | 'POST', path: string, request?: ApiRequest): Promise<Answer>;
}

export interface ApiRequest {
  readonly body?: object;
  readonly idempotencyKey?: string;
  /** A refusal that time may heal: what it needs has not happened yet. */
  readonly tooEarly?: ErrorCode;
}

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

const PASSWORD = 'correct horse battery';
const TRANSIENT = new Set(['SERVICE_UNAVAILABLE', 'TIMEOUT', 'CONFLICT']);
/** What is not back by then never comes. */
const PATIENCE_MS = 300_000;
/** What has not happened by then will not. */
const EARLY_MS = 10_000;

/** Registers, and stays logged in for as long as it takes. */
export async function openAccount(gatewayUrl: string, name: string): Promise<Account> {
  const credentials = { email: `${name}@example.com`, password: PASSWORD };
  const post = <Answer>(path: string, body: object) => answered(() => call<Answer>(gatewayUrl, 'POST', path, { body }));
  const logIn = async () => (await post<{ tokens: Tokens }>('/auth/login', credentials)).tokens;

  /** An answer that was lost can be had again within the grace: no login ends by that. */
  const renewed = async ({ refreshToken }: Tokens): Promise<Tokens> => {
    const begun = Date.now();
    try {
      return await post<Tokens>('/auth/refresh', { refreshToken });
    } catch (error) {
      if (Date.now() - begun < GRACE_MS) throw new Error('a login ended by itself', { cause: error });
      return logIn();
    }
  };

  await post('/auth/register', { ...credentials, name }).catch(unlessRefusedFor('EMAIL_TAKEN'));
  let tokens = await logIn();
  return {
    async ask<Answer>(method: 'GET' | 'POST', path: string, request: ApiRequest = {}): Promise<Answer> {
      const isTooEarly = earlyUntil(Date.now() + EARLY_MS, request.tooEarly);
      for (;;) {
        try {
          return await answered(() => call<Answer>(gatewayUrl, method, path, request, tokens), isTooEarly);
        } catch (error) {
          if (!isRefusedFor(error, 'UNAUTHENTICATED')) throw error;
          tokens = await renewed(tokens);
        }
      }
    },
  };
}

async function call<Answer>(
  gatewayUrl: string,
  method: string,
  path: string,
  { body, idempotencyKey }: ApiRequest,
  tokens?: Tokens,
): Promise<Answer> {
  const headers = {
    ...(body && { 'content-type': 'application/json' }),
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    ...(tokens && { authorization: `Bearer ${tokens.accessToken}` }),
  };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const [ok, text] = await fetch(`${gatewayUrl}/api/v1${path}`, init)
    .then(async (response) => [response.ok, await response.text()] as const)
    .catch((cause: unknown) => {
      throw new CodedError('SERVICE_UNAVAILABLE', { service: 'gateway', cause });
    });
  if (ok) return JSON.parse(text) as Answer;
  const { code } = JSON.parse(text) as { code?: string };
  if (code === undefined || !isErrorCode(code)) throw new Error(`${method} ${path} was answered with ${text}`);
  throw new CodedError(code as ErrorCode, { message: `${method} ${path} was answered with ${text}` });
}

/** Asks until there is an answer, whoever is away. */
async function answered<T>(ask: () => Promise<T>, isTooEarly = earlyUntil(0)): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const code = error instanceof CodedError ? error.code : undefined;
      const isTransient = code !== undefined && TRANSIENT.has(code) && Date.now() < deadline;
      if (!isTransient && !isTooEarly(error)) throw error;
      await delay(50);
    }
  }
}

const earlyUntil = (deadline: number, code?: ErrorCode) => (error: unknown) =>
  code !== undefined && isRefusedFor(error, code) && Date.now() < deadline;

export function unlessRefusedFor(code: ErrorCode): (error: unknown) => void {
  return (error) => {
    if (!isRefusedFor(error, code)) throw error;
  };
}

function isRefusedFor(error: unknown, code: ErrorCode): boolean {
  return error instanceof CodedError && error.code === code;
}
