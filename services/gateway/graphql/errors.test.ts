import { describe, expect, test } from '@jest/globals';
import { CodedError } from '@orderplane/shared/errors.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { GraphQLError } from 'graphql';
import { answerErrors } from './errors.ts';

const silent = createLogger('gateway', 'silent');
const answer = (error: Error) => answerErrors([error], 'r1', silent);
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
  ])('is %s', (_sentence, error, message, extensions) => {
    expect(answer(thrown(error))).toEqual({
      statusCode: 200,
      errors: [{ message, path: ['createOrder'], extensions: { ...extensions, requestId: 'r1' } }],
    });
  });

  test.each<[string, Error, number, string]>([
    [
      'a body that is too large',
      Object.assign(new Error('Request body is too large'), { statusCode: 413 }),
      413,
      'BAD_REQUEST',
    ],
    ['a failure of the HTTP layer itself', Object.assign(new Error('secret'), { statusCode: 500 }), 200, 'INTERNAL'],
  ])('has the HTTP status of %s', (_sentence, error, statusCode, code) => {
    expect(answer(error)).toMatchObject({ statusCode, errors: [{ extensions: { code } }] });
  });

  test('is each fault of a query that is not valid', () => {
    const invalid = Object.assign(new Error('Graphql validation error'), {
      statusCode: 400,
      errors: [new GraphQLError('Cannot query field "x".'), new GraphQLError('Cannot query field "y".')],
    });
    expect(answer(thrown(invalid)).errors.map(({ message }) => message)).toEqual([
      'Cannot query field "x".',
      'Cannot query field "y".',
    ]);
  });
});
