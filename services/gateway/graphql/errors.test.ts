import { describe, expect, test } from '@jest/globals';
import { CodedError } from '@orderplane/shared/errors.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { GraphQLError } from 'graphql';
import { answerErrors } from './errors.ts';

const silent = createLogger('gateway', 'silent');
const thrown = (originalError: Error) =>
  new GraphQLError(originalError.message, { originalError, path: ['createOrder'] });

describe('what a client is told of an error', () => {
  test.each<[string, Error, string, Record<string, unknown>]>([
    [
      'the field of its input that is wrong',
      new CodedError('BAD_USER_INPUT', { field: 'qty', message: 'no' }),
      'no',
      { code: 'BAD_USER_INPUT', field: 'qty' },
    ],
    [
      'the service that is away',
      new CodedError('SERVICE_UNAVAILABLE', { service: 'inventory' }),
      'A service is not available. Try again.',
      { code: 'SERVICE_UNAVAILABLE', service: 'inventory' },
    ],
    [
      'no service where none is at fault',
      new CodedError('PRODUCT_NOT_FOUND', { service: 'inventory' }),
      'There is no such product.',
      { code: 'PRODUCT_NOT_FOUND' },
    ],
    [
      'nothing of what happened inside',
      new TypeError('secret is undefined'),
      'Something went wrong.',
      { code: 'INTERNAL' },
    ],
    [
      "GraphQL's own message on a variable",
      new GraphQLError('Int cannot represent "x"'),
      'Int cannot represent "x"',
      { code: 'BAD_USER_INPUT' },
    ],
  ])('is %s', (_sentence, error, message, extensions) => {
    expect(answerErrors([thrown(error)], 'r1', silent)).toEqual([
      { message, path: ['createOrder'], extensions: { ...extensions, requestId: 'r1' } },
    ]);
  });
});
