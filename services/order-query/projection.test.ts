import { describe, expect, test } from '@jest/globals';
import { type PlatformEvent, platformEvent } from '@orderplane/contracts/events.ts';
import { changeOf, PROJECTED_TOPICS } from './projection.ts';

const id = '01a1fc3d-78e1-72e2-adbd-883e7ae12aca';
const time = '2026-11-21T03:54:09.505Z';
const event = (type: PlatformEvent['type'], aggregateversion: number, data: object): PlatformEvent =>
  platformEvent.parse({
    specversion: '1.0',
    id,
    source: '/orderplane/orders',
    type,
    subject: id,
    time,
    datacontenttype: 'application/json',
    schemaversion: 1,
    aggregateversion,
    data,
  });

describe('the projection', () => {
  test.each([
    [
      'makes a pending order of its first event',
      event('order_created', 1, { productId: 'p1', qty: 2, price: 199 }),
      {
        kind: 'create',
        order: { id, productId: 'p1', qty: 2, price: 199, status: 'PENDING', version: 1, createdAt: new Date(time) },
      },
    ],
    ['confirms it', event('order_confirmed', 2, {}), { kind: 'advance', id, version: 2, status: 'CONFIRMED' }],
    [
      'cancels it',
      event('order_cancelled', 3, { reason: 'x' }),
      { kind: 'advance', id, version: 3, status: 'CANCELLED' },
    ],
  ])('%s', (_sentence, given, change) => {
    expect(changeOf(given)).toEqual(change);
  });

  test('consumes every topic of orders', () => {
    expect(new Set<string>(PROJECTED_TOPICS)).toEqual(
      new Set(platformEvent.options.map((option) => option.shape.type.value)),
    );
  });
});
