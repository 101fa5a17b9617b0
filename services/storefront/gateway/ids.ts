/** What a log line of a request has in every service; the headers have it all, whether it came with the request or was given to it here. */
export function idsOf(header: (name: string) => string | null | undefined) {
  return {
    requestId: header('x-request-id') ?? undefined,
    correlationId: header('x-correlation-id') ?? undefined,
    traceId: header('traceparent')?.split('-')[1],
  };
}
