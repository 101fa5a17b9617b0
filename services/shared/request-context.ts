import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes, randomUUID } from 'node:crypto';

/**
 * What ties together the log lines of one request in every service it passes: `requestId` names the request as it came to
 * the gateway, `correlationId` the business of which it is a part (the caller's, or else the request's own id), `traceparent` is W3C's.
 */
export interface RequestContext {
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent: string;
}

const HEADERS = { requestId: 'x-request-id', correlationId: 'x-correlation-id', traceparent: 'traceparent' } as const;
const ID = /^[\w.:/-]{1,128}$/;
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

const storage = new AsyncLocalStorage<RequestContext>();

/** The request that is being worked on, if any. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}

export function withRequest<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}

/** Takes the ids from the headers where they are sane, and makes the missing ones. */
export function requestContextFrom(header: (name: string) => string | null | undefined): RequestContext {
  const sane = (name: string, pattern: RegExp) => {
    const value = header(name);
    return value != null && pattern.test(value) ? value : undefined;
  };
  const requestId = sane(HEADERS.requestId, ID) ?? randomUUID();
  return {
    requestId,
    correlationId: sane(HEADERS.correlationId, ID) ?? requestId,
    traceparent: sane(HEADERS.traceparent, TRACEPARENT) ?? newTraceparent(),
  };
}

/** The headers by which the next service learns of the request. */
export function requestHeaders(context: RequestContext): [name: string, value: string][] {
  return [
    [HEADERS.requestId, context.requestId],
    [HEADERS.correlationId, context.correlationId],
    [HEADERS.traceparent, context.traceparent],
  ];
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}
