import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Span } from './telemetry/span.ts';

/**
 * What ties together the log lines of one request in every service it passes: `requestId` names the request as it came to
 * the gateway, `correlationId` the business of which it is a part (the caller's, or else the request's own id), `traceparent` is W3C's.
 */
export interface RequestContext {
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent: string;
  /** The piece of it that is being worked on; undefined where no traces are collected. */
  readonly span?: Span;
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
export function requestContextFrom(header: Header): RequestContext {
  const requestId = sane(header(HEADERS.requestId), ID) ?? randomUUID();
  return {
    requestId,
    correlationId: sane(header(HEADERS.correlationId), ID) ?? requestId,
    traceparent: receivedTraceparent(header) ?? newTraceparent(),
  };
}

/** Where the headers come from a trace that was begun elsewhere. */
export function receivedTraceparent(header: Header): string | undefined {
  return sane(header(HEADERS.traceparent), TRACEPARENT);
}

type Header = (name: string) => string | null | undefined;

function sane(value: string | null | undefined, pattern: RegExp): string | undefined {
  return value != null && pattern.test(value) ? value : undefined;
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

export function spanIdOf(traceparent: string): string {
  return traceparent.slice(36, 52);
}

function newTraceparent(): string {
  // UUIDs, because Node draws their random bytes for many at once.
  const digits = `${randomUUID()}${randomUUID()}`.replaceAll('-', '');
  return `00-${digits.slice(0, 32)}-${digits.slice(32, 48)}-01`;
}
