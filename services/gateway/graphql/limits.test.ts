import { describe, expect, test } from '@jest/globals';
import { buildSchema, parse } from 'graphql';
import { excessOf } from './limits.ts';
import { schema } from './schema.ts';

const built = buildSchema(schema);
const times = (count: number, field: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => field(i)).join(' ');
const excess = (query: string) => excessOf(parse(query), built);
const page = '{ items { id lines { qty product { name } } } next }';

describe('a query', () => {
  test.each([
    ['the largest page, with the products of all lines', `{ orders(first: 100) ${page} }`],
    ['a page of a size that a variable brings', `query ($n: Int!) { orders(first: $n) ${page} }`],
    ['many small pages', `{ ${times(10, (i) => `a${i}: orders(first: 20) ${page}`)} }`],
    ['ten root fields', `{ ${times(10, (i) => `a${i}: product(id: "p${i}") { id }`)} }`],
    ['a large operation beside a small one', `query A { orders(first: 1) ${page} } query B { orders ${page} }`],
  ])('is served for %s', (_sentence, query) => {
    expect(excess(query)).toBeUndefined();
  });

  test.each([
    ['eleven root fields', `{ ${times(11, (i) => `a${i}: product(id: "p") { id }`)} }`, /10 root fields/],
    ['eleven mutations', `mutation { ${times(11, (i) => `a${i}: cancelOrder(id: "x") { id }`)} }`, /10 root fields/],
    [
      'root fields in a fragment',
      `{ ...F } fragment F on Query { ${times(11, (i) => `a${i}: product(id: "p") { id }`)} }`,
      /10 root fields/,
    ],
    ['three of the largest pages', `{ ${times(3, (i) => `a${i}: orders(first: 100) ${page}`)} }`, /may cost 6\d\d\d/],
    [
      'the same objects under many names',
      `{ orders(first: 100) { items { ${times(5, (i) => `l${i}: lines { product { id } }`)} } } }`,
      /may cost/,
    ],
    [
      'fragments that double one another',
      `{ orders { items { ...A } } } fragment A on Order { ...B b: lines { ...L } } fragment B on Order { ...C c: lines { ...L } }
       fragment C on Order { d: lines { ...L } e: lines { ...L } } fragment L on OrderLine { x: product { id } y: product { id } }`,
      /may cost/,
    ],
  ])('is refused for %s', (_sentence, query, message) => {
    expect(excess(query)).toMatch(message);
  });
});
