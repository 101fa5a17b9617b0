import { status as Code } from '@grpc/grpc-js';

/**
 * Every error that may leave a service: its code on the wire, its gRPC code, and the sentence a client reads.
 * Anything that is not in this table leaves as INTERNAL, with its cause in the log only.
 */
export const ERRORS = {
  BAD_USER_INPUT: { grpc: Code.INVALID_ARGUMENT, message: 'The input is not valid.' },
  UNAUTHENTICATED: { grpc: Code.UNAUTHENTICATED, message: 'A valid token is needed for this.' },
  FORBIDDEN: { grpc: Code.PERMISSION_DENIED, message: 'The token does not allow this.' },
  INVALID_CREDENTIALS: { grpc: Code.UNAUTHENTICATED, message: 'The address or the password is wrong.' },
  TOKEN_REUSED: {
    grpc: Code.UNAUTHENTICATED,
    message: 'This token was used before. Every token of that login is revoked: log in again.',
  },
  EMAIL_TAKEN: { grpc: Code.ALREADY_EXISTS, message: 'There is an account with this address.' },
  USER_NOT_FOUND: { grpc: Code.NOT_FOUND, message: 'There is no such user.' },
  PAYMENT_NOT_FOUND: { grpc: Code.NOT_FOUND, message: 'There is no such payment.' },
  ORDER_NOT_PAYABLE: { grpc: Code.FAILED_PRECONDITION, message: 'This order does not wait for a payment.' },
  NOT_REFUNDABLE: { grpc: Code.FAILED_PRECONDITION, message: 'Nothing was charged that could be refunded.' },
  RATE_LIMITED: { grpc: Code.RESOURCE_EXHAUSTED, message: 'Too many requests. Try again later.' },
  PRODUCT_NOT_FOUND: { grpc: Code.NOT_FOUND, message: 'There is no such product.' },
  ORDER_NOT_FOUND: { grpc: Code.NOT_FOUND, message: 'There is no such order.' },
  IDEMPOTENCY_KEY_REUSED: { grpc: Code.ALREADY_EXISTS, message: 'The idempotency key was used for another order.' },
  CONFLICT: { grpc: Code.ABORTED, message: 'Someone else changed this at the same time. Try again.' },
  TIMEOUT: { grpc: Code.DEADLINE_EXCEEDED, message: 'It took too long. Try again.' },
  SERVICE_UNAVAILABLE: { grpc: Code.UNAVAILABLE, message: 'A service is not available. Try again.' },
  INTERNAL: { grpc: Code.INTERNAL, message: 'Something went wrong.' },
} as const satisfies Record<string, { grpc: Code; message: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorFacts {
  /** In place of the table's sentence. Clients see it: no internals. */
  message?: string;
  /** The input field at fault. */
  field?: string;
  /** The service at fault, where it is not the one that answers. */
  service?: string;
  /** For the log. Never leaves the service. */
  cause?: unknown;
}

/** An error of the table. The only kind whose message a client gets to see. */
export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly service: string | undefined;

  constructor(code: ErrorCode, facts: ErrorFacts = {}) {
    super(facts.message ?? ERRORS[code].message, { cause: facts.cause });
    this.code = code;
    this.field = facts.field;
    this.service = facts.service;
  }
}

/** What is not of the table is INTERNAL. */
export function asCoded(error: unknown): CodedError {
  return error instanceof CodedError ? error : new CodedError('INTERNAL', { cause: error });
}

export function badInput(field: string, message: string): CodedError {
  return new CodedError('BAD_USER_INPUT', { field, message });
}

/** True for faults that time heals: what is needed for the work is away, whatever the work is. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof CodedError && (error.code === 'SERVICE_UNAVAILABLE' || error.code === 'TIMEOUT');
}

/** What the innermost cause says. For the log. */
export function rootMessage(error: unknown): string {
  if (!Error.isError(error)) return String(error);
  return error.cause === undefined ? error.message : rootMessage(error.cause);
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
