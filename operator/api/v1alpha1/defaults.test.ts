import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { withoutDefaults } from './defaults.ts';
import { orderPlatformSpec } from './order-platform.ts';

const item = z.object({ name: z.string(), topics: z.array(z.string()).default([]) });
const schema = z.object({
  size: z.enum(['s', 'm']).default('s'),
  items: z.array(item).optional(),
  wait: z.int().default(5),
});

test.each<[string, unknown, unknown]>([
  ['drops what is as by default, however deep', { size: 's', items: [{ name: 'a', topics: [] }], wait: 5 }, { items: [{ name: 'a' }] }],
  ['keeps what is not', { size: 'm', items: [{ name: 'a', topics: ['x'] }], wait: 6 }, { size: 'm', items: [{ name: 'a', topics: ['x'] }], wait: 6 }],
  ['keeps fields that the schema does not know', { other: 1 }, { other: 1 }],
])('without defaults %s', (_, value, expected) => {
  expect(withoutDefaults(schema, value)).toEqual(expected);
}); // prettier-ignore

test('a spec says the same before and after the API server has filled it in', () => {
  const written = { services: [{ name: 'orders' }], stores: { postgres: { managed: { storage: '1Gi' } } } };
  expect(withoutDefaults(orderPlatformSpec, orderPlatformSpec.parse(written))).toEqual(withoutDefaults(orderPlatformSpec, written));
}); // prettier-ignore
