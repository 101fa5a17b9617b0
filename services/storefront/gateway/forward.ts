import { idsOf } from './ids.ts';
import { problemResponse } from './problem.ts';

/**
 * What ties a request to its trace and its log lines in the services behind, a repeated order to its first sending, and
 * a visitor to their own limits rather than to those of the storefront.
 */
const CARRIED_HEADERS = [
  'traceparent',
  'tracestate',
  'x-request-id',
  'x-correlation-id',
  'idempotency-key',
  'x-forwarded-for',
  'x-forwarded-proto',
];
const RETURNED_HEADERS = ['content-type', 'retry-after', 'x-request-id'];

export interface ForwardOptions {
  method?: string;
  /** JSON. */
  body?: string | undefined;
  timeoutMs: number;
  /** Of the request that came in: some of them go along. */
  headers?: Headers;
  accessToken?: string | undefined;
}

/**
 * Asks the gateway. Never rejects: one that is down, slow or answers no JSON becomes a problem with the code
 * GATEWAY_UNREACHABLE (502), GATEWAY_TIMEOUT (504) or GATEWAY_INVALID_ANSWER (502).
 * Nothing is sent again: only who asked knows whether that is safe.
 */
export async function forward(address: URL, options: ForwardOptions): Promise<Response> {
  const { method = 'GET', body, timeoutMs, headers } = options;
  // Not AbortSignal.timeout: its timer would keep each answered request in memory until the time is over.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    const init = { method, headers: requestHeaders(options), signal: late.signal } as const;
    const answer = await fetch(address, {
      ...init,
      ...(body === undefined ? {} : { body }),
      cache: 'no-store',
      redirect: 'manual',
    });
    if (answer.status !== 204 && !answer.headers.get('content-type')?.includes('json')) {
      void answer.body?.cancel();
      const message = `The gateway answered HTTP ${answer.status} without JSON.`;
      return failure({ status: 502, code: 'GATEWAY_INVALID_ANSWER', message, address, headers });
    }
    return await returned(answer);
  } catch (error) {
    if (late.signal.aborted) {
      const message = `The gateway did not answer within ${timeoutMs / 1000} s.`;
      return failure({ status: 504, code: 'GATEWAY_TIMEOUT', message, address, headers });
    }
    const message = 'The gateway cannot be reached.';
    return failure({ status: 502, code: 'GATEWAY_UNREACHABLE', message, address, headers, cause: rootCause(error) });
  } finally {
    clearTimeout(timer);
  }
}

function requestHeaders({ body, headers, accessToken }: ForwardOptions): Headers {
  const carried = new Headers({ accept: 'application/json' });
  if (body !== undefined) carried.set('content-type', 'application/json');
  if (accessToken !== undefined) carried.set('authorization', `Bearer ${accessToken}`);
  for (const name of CARRIED_HEADERS) {
    const value = headers?.get(name);
    if (value) carried.set(name, value);
  }
  return carried;
}

async function returned(answer: Response): Promise<Response> {
  const headers = new Headers({ 'cache-control': 'no-store' });
  for (const name of RETURNED_HEADERS) {
    const value = answer.headers.get(name);
    if (value) headers.set(name, value);
  }
  return new Response(answer.status === 204 ? null : await answer.text(), { status: answer.status, headers });
}

interface Failure {
  status: number;
  code: string;
  message: string;
  address: URL;
  headers: Headers | undefined;
  cause?: string;
}

/** The address and the cause are for the log; a shop's visitor has no use for them. */
function failure({ status, code, message, address, headers, cause }: Failure): Response {
  const gateway = `${address.origin}${address.pathname}`;
  const ids = idsOf((name) => headers?.get(name));
  console.error(JSON.stringify({ level: 'warn', msg: message, code, gateway, err: cause, ...ids }));
  return problemResponse(status, code, message);
}

/** fetch says "fetch failed"; the reason ("connect ECONNREFUSED …") is in its cause. */
function rootCause(error: unknown): string {
  let current = error;
  while (Error.isError(current) && current.cause) current = current.cause;
  return Error.isError(current) ? current.message : String(current);
}
