import { describe, expect, test } from '@jest/globals';
import { parseEvent, platformEvent } from './events.ts';
import { STREAMS, streamOf } from './topics.ts';

const id = '01a1fc3d-78e1-72e2-adbd-883e7ae12aca';
const created = (schemaversion: number, data: object) => ({
  specversion: '1.0',
  id,
  source: '/orderplane/orders',
  type: 'order_created',
  subject: id,
  time: '2026-11-21T03:54:09.505Z',
  datacontenttype: 'application/json',
  schemaversion,
  aggregateversion: 1,
  data,
});
const line = { productId: 'p1', qty: 2, price: 199 };

describe('events', () => {
  test('of an older version are read as the newest has them', () => {
    expect(parseEvent(created(1, line)).data).toEqual(created(2, { lines: [line], total: 398 }));
  });

  test.each<[string, unknown, RegExp]>([
    ['of a version that nobody knows yet', created(3, { lines: [line], total: 398 }), /schemaversion/],
    ['of a type that nobody knows', { ...created(2, { lines: [line], total: 398 }), type: 'order_lost' }, /type/],
    ['without lines', created(2, { lines: [], total: 0 }), /lines/],
    ['that are none', 'order_created', /object/],
  ])('%s are refused', (_, value, why) => {
    expect(JSON.stringify(parseEvent(value).error?.issues)).toMatch(why);
  });

  test('of every topic have a schema and a stream', () => {
    const types = platformEvent.options.map((option) => option.shape.type.value);
    expect(new Set(Object.values(STREAMS).flat())).toEqual(new Set(types));
    expect(types.map(streamOf)).not.toContain(undefined);
  });
});
