import { describe, expect, test } from '@jest/globals';
import { buildSchema, getIntrospectionQuery, parse, validate } from 'graphql';
import { limitFields } from './limits.ts';
import { schema } from './schema.ts';

const times = (count: number, field: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => field(i)).join(' ');
const faults = (query: string) => validate(buildSchema(schema), parse(query), [limitFields]).length;

describe('a query', () => {
  test.each([
    ['the largest page', '{ orders(first: 100) { items { id productId qty status createdAt version } next } }'],
    ["tools' introspection", getIntrospectionQuery()],
    ['ten root fields', `{ ${times(10, (i) => `a${i}: products { id }`)} }`],
  ])('is served for %s', (_sentence, query) => {
    expect(faults(query)).toBe(0);
  });

  test.each([
    ['eleven root fields', `{ ${times(11, (i) => `a${i}: products { id }`)} }`],
    ['eleven mutations', `mutation { ${times(11, (i) => `a${i}: createOrder(productId: "p1", qty: 1) { id }`)} }`],
    ['root fields in a fragment', `{ ...F } fragment F on Query { ${times(11, (i) => `a${i}: products { id }`)} }`],
    ['fields without number', `{ products { ${times(201, (i) => `a${i}: id`)} } }`],
  ])('is refused, with one error, for %s', (_sentence, query) => {
    expect(faults(query)).toBe(1);
  });
});
