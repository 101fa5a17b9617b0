import type { Dispatcher } from 'undici';
import { backoffDelay, type Backoff } from './backoff.ts';
import { realClock, sleep, type Clock } from './clock.ts';
import { createConnections } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { ApiError, type StatusBody } from './errors.ts';
import type { Fence } from './fence.ts';
import type { Log } from './log.ts';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT';
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
}

/** Told of every answer (`code` is the status, or `<error>` when there was none). */
export type RequestObserver = (request: { code: string; method: string; host: string }) => void;

/** Sends requests to one API server over shared connections. */
export interface Transport {
  /** The body of a 2xx answer; throws ApiError otherwise. Retries what is safe to retry. */
  request(request: HttpRequest): Promise<string>;
  /** The body of a long answer as it arrives, on a connection of its own; never retries. Fails after `idleMs` of silence. */
  stream(request: HttpRequest & { idleMs: number }): Promise<AsyncIterable<Buffer> & { destroy(): unknown }>;
  observe(observer: RequestObserver): void;
  /** From now on nothing but reads is sent unless the fence is open. */
  fence(fence: Fence): void;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 30_000;
const MAX_RETRIES = 5;
const RETRY_BACKOFF: Backoff = { baseMs: 50, maxMs: 2_000, jitter: 0.5 };
const MAX_RETRY_AFTER_MS = 30_000;
const RETRYABLE_STATUS = new Set([500, 502, 503, 504]);
/** The request never reached the server, so even a POST may be sent again. */
const UNSENT_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'EHOSTUNREACH']);
/** The connection broke, with no telling how far the request came. */
const BROKEN_CODES = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET', 'UND_ERR_INFO']);

export interface TransportOptions {
  userAgent: string;
  log: Log;
  clock?: Clock;
}

export function createTransport(credentials: Credentials, options: TransportOptions): Transport {
  const connections = createConnections(credentials);
  const observers: RequestObserver[] = [];
  let fence: Fence | undefined;
  const { origin, host } = credentials.server;
  const basePath = credentials.server.pathname.replace(/\/$/, '');

  async function send(kind: 'pool' | 'streams', request: HttpRequest, bodyTimeout: number) {
    const connection = await connections.current();
    const headers = { ...connection.headers, 'user-agent': options.userAgent, accept: 'application/json' };
    const guard = request.method === 'GET' ? undefined : fence;
    const signals = [request.signal, guard?.signal].filter((signal) => signal !== undefined);
    if (request.body !== undefined) {
      Object.assign(headers, { 'content-type': request.contentType ?? 'application/json' });
    }
    let code = '<error>';
    try {
      const dispatcher = guard ? connection[kind].compose(behind(guard)) : connection[kind];
      const response = await dispatcher.request({
        origin,
        path: basePath + request.path + queryString(request.query),
        method: request.method,
        headers,
        body: request.body === undefined ? undefined : JSON.stringify(request.body),
        signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
        headersTimeout: Math.min(REQUEST_TIMEOUT_MS, bodyTimeout),
        bodyTimeout,
      });
      code = String(response.statusCode);
      return response;
    } finally {
      for (const observe of observers) observe({ code, method: request.method, host });
    }
  }

  async function attempt(request: HttpRequest): Promise<string> {
    const response = await send('pool', request, REQUEST_TIMEOUT_MS);
    const text = await response.body.text();
    if (response.statusCode < 300) return text;
    throw errorOf(response, text);
  }

  return {
    async request(request) {
      for (let retries = 0; ; retries++) {
        try {
          return await attempt(request);
        } catch (error) {
          if (isRefusedCredential(error)) {
            credentials.invalidate();
            if (retries === 0) continue;
          }
          const delay = retries < MAX_RETRIES ? retryDelay(error, request.method, retries) : undefined;
          if (delay === undefined || request.signal?.aborted) throw error;
          options.log.debug({ err: error, method: request.method, path: request.path, delay }, 'retrying a request');
          await sleep(options.clock ?? realClock, delay, request.signal);
          request.signal?.throwIfAborted();
        }
      }
    },
    async stream(request) {
      try {
        const response = await send('streams', request, request.idleMs);
        if (response.statusCode < 300) return response.body;
        throw errorOf(response, await response.body.text());
      } catch (error) {
        if (isRefusedCredential(error)) credentials.invalidate();
        throw error;
      }
    },
    observe: (observer) => void observers.push(observer),
    fence: (given) => void (fence = given),
    close: () => connections.close(),
  };
}

/**
 * Asks the fence when a connection is free and the request is about to be written: one that waited its turn, or for an event
 * loop that stood still, must not leave after its time.
 */
function behind(fence: Fence): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (request, handler) =>
    dispatch(request, {
      onRequestStart(controller, context) {
        const reason = fence.closed();
        if (reason) controller.abort(reason);
        else handler.onRequestStart?.(controller, context);
      },
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
}

/** The server does not know us (any more), or we do not trust its certificate (any more): one of us has new credentials. */
function isRefusedCredential(error: unknown): boolean {
  if (error instanceof ApiError) return error.status === 401;
  return /CERT|VERIFY|^ERR_(SSL|TLS)/.test((error as { code?: string }).code ?? '');
}

function errorOf(response: Dispatcher.ResponseData, text: string): ApiError {
  const status = parseStatus(text);
  const retryAfter = Number(response.headers['retry-after']);
  return new ApiError(status.message || `the API server answered ${response.statusCode}: ${text.slice(0, 200)}`, {
    status: response.statusCode,
    reason: status.reason ?? '',
    details: status.details,
    retryAfterMs: retryAfter > 0 ? retryAfter * 1000 : undefined,
  });
}

function parseStatus(text: string): StatusBody {
  try {
    return JSON.parse(text) as StatusBody;
  } catch {
    return {};
  }
}

/** How long to wait before sending the request again; undefined when that is not safe or not useful. */
function retryDelay(error: unknown, method: HttpRequest['method'], retries: number): number | undefined {
  const backoff = backoffDelay(RETRY_BACKOFF, retries);
  const idempotent = method !== 'POST';
  if (error instanceof ApiError) {
    const asked = Math.min(error.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
    if (error.status === 429) return Math.max(asked, backoff);
    return idempotent && RETRYABLE_STATUS.has(error.status) ? Math.max(asked, backoff) : undefined;
  }
  const code = (error as { code?: string }).code ?? '';
  if (UNSENT_CODES.has(code)) return backoff;
  return idempotent && BROKEN_CODES.has(code) ? backoff : undefined;
}

function queryString(query: HttpRequest['query']): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  return parameters.size > 0 ? `?${parameters.toString()}` : '';
}
