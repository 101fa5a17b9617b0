import { CodedError, ERRORS, rootMessage } from '@orderplane/shared/errors.ts';
import type { Logger } from '@orderplane/shared/log.ts';
import { type GraphQLFormattedError, GraphQLError } from 'graphql';

const UPSTREAM_FAULTS = new Set<string>(['SERVICE_UNAVAILABLE', 'TIMEOUT', 'INTERNAL']);

export interface ErrorAnswer {
  readonly statusCode: number;
  readonly errors: GraphQLFormattedError[];
}

/**
 * What a client is told of the errors of its request: the code and message of those that are meant for clients,
 * GraphQL's own messages on the query, and INTERNAL for all else, whose cause is only logged.
 */
export function answerErrors(errors: readonly Error[], requestId: string, log: Logger): ErrorAnswer {
  const answers = errors.flatMap(unpacked).map((error) => ({ error, answer: answerFor(error) }));
  for (const { error, answer } of answers) {
    const { code, service } = answer;
    if (code === 'INTERNAL') log.error({ err: rootCause(error), code, service }, 'a request failed');
    else if (UPSTREAM_FAULTS.has(code))
      log.warn({ reason: rootMessage(rootCause(error)), code, service }, 'a request failed');
  }
  return {
    statusCode: Math.max(200, ...answers.map(({ answer }) => answer.statusCode ?? 200)),
    errors: answers.map(({ error, answer }) => formatted(error, answer, requestId)),
  };
}

function formatted(error: Error, { code, message, service, field }: Answer, requestId: string): GraphQLFormattedError {
  const { locations, path } = error instanceof GraphQLError ? error : {};
  return {
    message,
    ...(locations ? { locations } : {}),
    ...(path ? { path } : {}),
    extensions: { code, ...(service ? { service } : {}), ...(field ? { field } : {}), requestId },
  };
}

interface Answer {
  readonly code: string;
  readonly message: string;
  readonly service?: string | undefined;
  readonly field?: string | undefined;
  /** Of the HTTP answer, for what never got as far as being executed. */
  readonly statusCode?: number;
}

function answerFor(error: Error): Answer {
  const cause = rootCause(error);
  if (cause instanceof CodedError) {
    const { code, message, service, field } = cause;
    return { code, message, field, service: UPSTREAM_FAULTS.has(code) ? service : undefined };
  }
  // Of GraphQL itself, on a query or its variables. The outer one names the variable.
  if (cause instanceof GraphQLError) return { code: 'BAD_USER_INPUT', message: error.message };
  const statusCode = httpStatus(cause);
  if (statusCode !== undefined) return { code: 'BAD_REQUEST', message: cause.message, statusCode };
  return { code: 'INTERNAL', message: ERRORS.INTERNAL.message };
}

/** The validation error of the GraphQL library holds those of the query. */
function unpacked(error: Error): Error[] {
  const cause = rootCause(error);
  if ('errors' in cause && Array.isArray(cause.errors)) return cause.errors as Error[];
  return [error];
}

function rootCause(error: Error): Error {
  return error instanceof GraphQLError && error.originalError ? error.originalError : error;
}

/** Errors of the HTTP layer, such as a body that is not JSON or too large, say what the client did wrong. */
function httpStatus(error: Error): number | undefined {
  const status = 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
