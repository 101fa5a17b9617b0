import type { Logger } from '@orderplane/shared/log.ts';
import { type GraphQLFormattedError, GraphQLError } from 'graphql';
import { logProblem, problemOf } from '../problem.ts';

/**
 * What a client is told of the errors of its request: GraphQL's own messages on the query, and what a problem of REST would say of all else.
 */
export function answerErrors(errors: readonly GraphQLError[], requestId: string, log: Logger): GraphQLFormattedError[] {
  return errors.map((error) => {
    const { message, locations, path, originalError: cause } = error;
    const where = { ...(locations ? { locations } : {}), ...(path ? { path } : {}) };
    // Of GraphQL itself, on a query or its variables. The outer one names the variable.
    if (!cause || cause instanceof GraphQLError) {
      return { message, ...where, extensions: { code: 'BAD_USER_INPUT', requestId } };
    }
    const problem = problemOf(cause, requestId);
    logProblem(log, cause, problem);
    const { code, detail, field, service } = problem;
    const extensions = { code, ...(service ? { service } : {}), ...(field ? { field } : {}), requestId };
    return { message: detail, ...where, extensions };
  });
}
