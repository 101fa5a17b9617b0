import { status as Code } from '@grpc/grpc-js';
import { asCoded, type CodedError, type ErrorCode, ERRORS, rootMessage } from '@orderplane/shared/errors.ts';
import type { Logger } from '@orderplane/shared/log.ts';

/** What HTTP itself refuses, before any service is asked. */
const HTTP_ERRORS = {
  BAD_REQUEST: { status: 400, title: 'The request could not be read.' },
  NOT_FOUND: { status: 404, title: 'There is nothing under this address.' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'This address does not know that method.' },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The body is too large.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body has to be JSON (content-type: application/json).' },
} as const;

/** Every gRPC code that a coded error can have, as HTTP says it. */
const STATUS: Readonly<Partial<Record<Code, number>>> = {
  [Code.INVALID_ARGUMENT]: 400,
  [Code.UNAUTHENTICATED]: 401,
  [Code.PERMISSION_DENIED]: 403,
  [Code.NOT_FOUND]: 404,
  [Code.ALREADY_EXISTS]: 409,
  [Code.FAILED_PRECONDITION]: 409,
  [Code.ABORTED]: 409,
  [Code.RESOURCE_EXHAUSTED]: 429,
  [Code.UNAVAILABLE]: 503,
  [Code.DEADLINE_EXCEEDED]: 504,
};

export type HttpErrorCode = keyof typeof HTTP_ERRORS;
export type ProblemCode = ErrorCode | HttpErrorCode;

/** RFC 9457. `type` leads to the explanation of the code, in the API's own documentation. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly requestId: string;
  /** The input field at fault. */
  readonly field?: string;
  /** The service that is away. */
  readonly service?: string;
}

/** What is the matter with the request in HTTP's own terms; a client may read the message. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly code: HttpErrorCode;

  constructor(code: HttpErrorCode, detail: string = HTTP_ERRORS[code].title) {
    super(detail);
    this.code = code;
  }
}

/** Faults of a service behind: the answer names it, and trying again may help. */
export function isUpstreamFault({ code }: CodedError): boolean {
  return code === 'SERVICE_UNAVAILABLE' || code === 'TIMEOUT';
}

/** What a client is told of an error: nothing of those that are not meant for clients. */
export function problemOf(error: unknown, requestId: string): Problem {
  const known = asKnown(error);
  if (known instanceof HttpError) {
    const { status, title } = HTTP_ERRORS[known.code];
    return { type: typeOf(known.code), title, status, detail: known.message, code: known.code, requestId };
  }
  const { code, field, service, message } = known;
  return {
    type: typeOf(code),
    title: ERRORS[code].message,
    status: statusOf(code),
    detail: message,
    code,
    ...(field === undefined ? {} : { field }),
    ...(isUpstreamFault(known) && service !== undefined ? { service } : {}),
    requestId,
  };
}

/** Every code that an answer can have, with its HTTP status and sentence. */
export function problemTable(): readonly { code: ProblemCode; status: number; title: string }[] {
  const http = Object.entries(HTTP_ERRORS) as [HttpErrorCode, { status: number; title: string }][];
  const coded = Object.keys(ERRORS) as ErrorCode[];
  return [
    ...http.map(([code, { status, title }]) => ({ code, status, title })),
    ...coded.map((code) => ({ code, status: statusOf(code), title: ERRORS[code].message })),
  ];
}

export function statusOf(code: ErrorCode): number {
  return STATUS[ERRORS[code].grpc] ?? 500;
}

function typeOf(code: ProblemCode): string {
  return `/docs#${code}`;
}

function asKnown(error: unknown): CodedError | HttpError {
  if (error instanceof HttpError) return error;
  // Fastify's errors are none to Error.isError.
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) return new HttpError('PAYLOAD_TOO_LARGE');
  if (status === 415) return new HttpError('UNSUPPORTED_MEDIA_TYPE');
  if (typeof status === 'number' && status >= 400 && status < 500) return new HttpError('BAD_REQUEST');
  return asCoded(error);
}

/** Faults of the platform are for its log; what a client did wrong is not. */
export function logProblem(
  log: Logger,
  error: unknown,
  { code, service: upstream }: Pick<Problem, 'code' | 'service'>,
): void {
  if (code === 'INTERNAL') log.error({ err: error, code, upstream }, 'a request failed');
  else if (code === 'SERVICE_UNAVAILABLE' || code === 'TIMEOUT') {
    log.warn({ reason: rootMessage(error), code, upstream }, 'a request failed');
  }
}
