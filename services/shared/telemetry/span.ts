import {
  currentRequest,
  receivedTraceparent,
  type RequestContext,
  requestContextFrom,
  withRequest,
} from '../request-context.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** What kind of work it is, not which: of few values. */
  readonly name: string;
  readonly kind?: 'server' | 'client' | 'producer' | 'consumer';
  readonly attributes?: Attributes;
}

/** A piece of the work on a request, as traces show it. */
export interface Span {
  /** By which the work that it leads to, here or elsewhere, becomes a part of it. */
  readonly traceparent: string;
  start(options: SpanOptions): Span;
  set(attributes: Attributes): void;
  /** What it failed with, where it did. */
  end(failure?: unknown): void;
}

/** Where a service's spans begin. Undefined wherever it is passed: nobody collects traces. */
export interface Tracing {
  /** A span that goes on with a trace from elsewhere, or begins one. */
  start(options: SpanOptions & { readonly parent: string | undefined }): Span;
  /** Sends what there is, for a bounded time. */
  stop(): Promise<void>;
}

/** The order that a span is about. */
export const ORDER_ID = 'orderplane.order.id';

/** The request that the headers tell of; where traces are collected, with a span for the work on it, which the caller ends. */
export function beginRequest(
  tracing: Tracing | undefined,
  header: (name: string) => string | null | undefined,
  options: SpanOptions,
): RequestContext {
  const context = requestContextFrom(header);
  if (!tracing) return context;
  return within(context, tracing.start({ ...options, parent: receivedTraceparent(header) }));
}

/** Does a piece of the work on the current request, as a span where traces are collected. */
export async function inSpan<T>(options: SpanOptions, work: () => Promise<T>): Promise<T> {
  const request = currentRequest();
  if (!request?.span) return work();
  const span = request.span.start(options);
  try {
    const result = await withRequest(within(request, span), work);
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

/** Says more of the work in hand, where traces are collected. */
export function annotate(attributes: Attributes): void {
  currentRequest()?.span?.set(attributes);
}

function within(request: RequestContext, span: Span): RequestContext {
  return { ...request, traceparent: span.traceparent, span };
}
