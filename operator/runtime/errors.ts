/** What the API server says of a failed request (metav1.Status), as far as anyone acts on it. */
export interface StatusBody {
  message?: string;
  reason?: string;
  code?: number;
  details?: StatusDetails;
}

export interface StatusDetails {
  name?: string;
  kind?: string;
  retryAfterSeconds?: number;
  causes?: { reason?: string; message?: string; field?: string }[];
}

/** A refusal by the API server. `status` is the HTTP code; `retryAfterMs` is what the server asked for, if it did. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    fields: { status: number; reason: string; details?: StatusDetails; retryAfterMs?: number },
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = fields.status;
    this.reason = fields.reason;
    this.details = fields.details;
    this.retryAfterMs = fields.retryAfterMs;
  }
}

/** Retrying cannot help: the controller logs it, counts it and waits for the object to change. */
export class TerminalError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TerminalError';
  }
}

function hasReason(error: unknown, reason: string): error is ApiError {
  return error instanceof ApiError && error.reason === reason;
}

export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

/** A write that lost against a newer version of the object, or a field that another manager owns. */
export function isConflict(error: unknown): error is ApiError {
  return hasReason(error, 'Conflict');
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return hasReason(error, 'AlreadyExists');
}

/** The object breaks its schema or an admission rule; `details.causes` names the fields. */
export function isInvalid(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 422 || error.reason === 'BadRequest');
}

export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}

export const FORBIDDEN = Symbol('forbidden');

/** What a request answers, or FORBIDDEN where this user may not make it: for what one can do without. */
export async function unlessForbidden<T>(answer: Promise<T>): Promise<T | typeof FORBIDDEN> {
  try {
    return await answer;
  } catch (error) {
    if (isForbidden(error)) return FORBIDDEN;
    throw error;
  }
}

/** The resource version asked for is older than the server's history. */
export function isGone(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 410 || error.reason === 'Expired');
}

/** The resource version asked for is newer than the server's: it was restored from a backup. */
export function isVersionTooLarge(error: unknown): boolean {
  return (
    error instanceof ApiError && (error.details?.causes?.some((c) => c.reason === 'ResourceVersionTooLarge') ?? false)
  );
}

/** An `Error` for whatever was thrown. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
