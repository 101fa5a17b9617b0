import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from '@orderplane/shared/log.ts';
import { requestHeaders } from '@orderplane/shared/request-context.ts';
import { httpSpan, observeAnswers } from '@orderplane/shared/telemetry/http-server.ts';
import { beginRequest, type Tracing } from '@orderplane/shared/telemetry/span.ts';
import type { Registry } from 'prom-client';
import { endpointOf, STATIC } from './endpoint.ts';

/** What Node tells of a request, before whoever serves it. */
interface Begun {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly server: Server;
}

export interface ObserveOptions {
  readonly metrics: Registry;
  readonly tracing: Tracing | undefined;
  readonly log: Logger;
  /** Not observed. */
  readonly management: Server;
}

/**
 * Observes what Next.js serves from outside of it: Node tells of every request. Its ids are put into its headers, from which pages and handlers hand
 * them on to the gateway.
 */
export function observeRequests({ metrics, tracing, log, management }: ObserveOptions): void {
  const answered = observeAnswers(metrics, log);
  subscribe('http.server.request.start', (message) => {
    const { request, response, server } = message as Begun;
    if (server === management) return;
    const { method = 'GET', url = '/' } = request;
    const endpoint = endpointOf(url);
    const began = performance.now();
    const header = (name: string) => request.headers[name]?.toString();
    const context = beginRequest(endpoint === STATIC ? undefined : tracing, header, httpSpan(method, endpoint));
    for (const [name, value] of requestHeaders(context)) request.headers[name] = value;
    response.once('close', () => {
      answered(context, { method, endpoint, statusCode: response.statusCode, ms: performance.now() - began });
    });
  });
}
