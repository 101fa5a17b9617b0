import { gatewayAddress } from './address.ts';

/** What ties a request to its trace and its log lines in the services behind, and a repeated order to its first sending. */
const CARRIED_HEADERS = ['traceparent', 'tracestate', 'x-request-id', 'x-correlation-id', 'idempotency-key'];

export interface ForwardOptions {
  address?: URL;
  timeoutMs: number;
  headers?: Headers;
}

/**
 * Sends a GraphQL request to the gateway. Never rejects: a gateway that is down, slow or answers no JSON becomes a
 * GraphQL error with the code GATEWAY_UNREACHABLE (502), GATEWAY_TIMEOUT (504) or GATEWAY_INVALID_ANSWER (502).
 * Nothing is sent again: only who asked knows whether that is safe.
 */
export async function forward(body: string, options: ForwardOptions): Promise<Response> {
  const address = options.address ?? gatewayAddress();
  const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json' });
  for (const name of CARRIED_HEADERS) {
    const value = options.headers?.get(name);
    if (value) headers.set(name, value);
  }
  // Not AbortSignal.timeout: its timer would keep each answered request in memory until the time is over.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), options.timeoutMs);
  try {
    const { signal } = late;
    const answer = await fetch(address, {
      method: 'POST',
      headers,
      body,
      signal,
      cache: 'no-store',
      redirect: 'manual',
    });
    if (!answer.headers.get('content-type')?.includes('json')) {
      void answer.body?.cancel();
      return failure(
        502,
        'GATEWAY_INVALID_ANSWER',
        `The gateway answered HTTP ${answer.status} without JSON.`,
        address,
      );
    }
    return jsonResponse(answer.status, await answer.text());
  } catch (error) {
    if (late.signal.aborted) {
      return failure(
        504,
        'GATEWAY_TIMEOUT',
        `The gateway did not answer within ${options.timeoutMs / 1000} s.`,
        address,
      );
    }
    return failure(502, 'GATEWAY_UNREACHABLE', 'The gateway cannot be reached.', address, rootCause(error));
  } finally {
    clearTimeout(timer);
  }
}

/** A GraphQL error as the storefront's own answer. */
export function graphqlError(status: number, code: string, message: string): Response {
  return jsonResponse(status, JSON.stringify({ errors: [{ message, extensions: { code } }] }));
}

/** The address and the cause are for the log; a shop's visitor has no use for them. */
function failure(status: number, code: string, message: string, address: URL, cause?: string): Response {
  const where = `${address.origin}${address.pathname}`;
  console.error(JSON.stringify({ level: 'warn', msg: message, code, gateway: where, err: cause }));
  return graphqlError(status, code, message);
}

function jsonResponse(status: number, body: string): Response {
  return new Response(body, {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
  });
}

/** fetch says "fetch failed"; the reason ("connect ECONNREFUSED …") is in its cause. */
function rootCause(error: unknown): string {
  let current = error;
  while (Error.isError(current) && current.cause) current = current.cause;
  return Error.isError(current) ? current.message : String(current);
}
