import { expect, test } from '@jest/globals';
import type { Client } from './client.ts';
import { fakeClock } from './clock.ts';
import { createRecorder } from './events.ts';
import type { Event } from './known-resources.ts';
import { silentLogger } from './log.ts';

const shop = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shop', namespace: 'n', uid: 'u1' } };
const waiting = { type: 'Normal', reason: 'Waiting', message: 'for the database' } as const;

function setup(refuse = false) {
  const clock = fakeClock(new Date('2026-01-01T00:00:00.123Z'));
  const created: Event[] = [];
  const patches: unknown[] = [];
  const client = {
    async create(_: unknown, event: Event) {
      if (refuse) throw new Error('forbidden');
      created.push(event);
      return event;
    },
    async mergePatch(_: unknown, _key: unknown, patch: unknown) {
      patches.push(patch);
    },
  } as unknown as Client;
  const recorder = createRecorder({ client, clock, log: silentLogger, controller: 'c', instance: 'i' });
  const settle = async () => {
    await new Promise(setImmediate);
    await recorder.flush();
  };
  return { clock, created, patches, recorder, settle };
}

test('an event says what, why, by whom and about which object', async () => {
  const t = setup();
  t.recorder.event(shop, { ...waiting, message: 'x'.repeat(2000) });
  await t.settle();
  expect(t.created).toMatchObject([
    {
      metadata: { namespace: 'n', name: expect.stringMatching(/^shop\.[0-9a-f]{16}$/) },
      eventTime: '2026-01-01T00:00:00.123000Z',
      type: 'Normal',
      reason: 'Waiting',
      action: 'Waiting',
      reportingController: 'c',
      reportingInstance: 'i',
      regarding: { apiVersion: 'v1', kind: 'ConfigMap', name: 'shop', namespace: 'n', uid: 'u1' },
    },
  ]);
  expect(t.created[0]!.note!.length).toBe(1024);
});

test('repetitions become a count, written soon and then once a minute', async () => {
  const t = setup();
  for (let i = 0; i < 5; i++) t.recorder.event(shop, waiting);
  t.clock.advance(1_000);
  await t.settle();
  for (let i = 0; i < 59; i++) {
    t.recorder.event(shop, waiting);
    t.clock.advance(1_000);
  }
  await t.settle();
  expect(t.created.length).toBe(1);
  expect(t.patches).toEqual([{ series: { count: 5, lastObservedTime: '2026-01-01T00:00:00.123000Z' } }]);
  t.clock.advance(60_000);
  await t.settle();
  expect(t.patches.length).toBe(2);
  expect(t.patches[1]).toMatchObject({ series: { count: 64 } });
});

test('what differs in the message alone becomes one event from the eleventh on, until there was none for a while', async () => {
  const t = setup();
  for (let i = 1; i <= 15; i++) t.recorder.event(shop, { ...waiting, message: `for ${i} rows` });
  t.recorder.event(shop, { ...waiting, message: 'for 3 rows' });
  t.recorder.event(shop, { ...waiting, reason: 'Other', message: 'for 99 rows' });
  t.clock.advance(1_000);
  await t.settle();
  expect(t.created.map((event) => event.note)).toEqual([
    ...Array.from({ length: 10 }, (_, i) => `for ${i + 1} rows`),
    '(combined from similar events): for 11 rows',
    'for 99 rows',
  ]);
  expect(t.patches).toMatchObject([{ series: { count: 2 } }, { series: { count: 5 } }]);
  t.clock.advance(600_000);
  t.recorder.event(shop, { ...waiting, message: 'for 16 rows' });
  await t.settle();
  expect(t.created.at(-1)?.note).toBe('for 16 rows');
});

test('the same after a long silence is a new event', async () => {
  const t = setup();
  t.recorder.event(shop, waiting);
  t.clock.advance(400_000);
  t.recorder.event(shop, waiting);
  await t.settle();
  expect(t.created.length).toBe(2);
});

test('an object that floods is throttled, others are not', async () => {
  const t = setup();
  for (let i = 0; i < 100; i++) t.recorder.event(shop, { ...waiting, reason: `Reason${i}` });
  t.recorder.event({ ...shop, metadata: { ...shop.metadata, uid: 'u2' } }, waiting);
  await t.settle();
  expect(t.created.length).toBe(31);
  t.clock.advance(60_000);
  t.recorder.event(shop, { ...waiting, message: 'later' });
  await t.settle();
  expect(t.created.length).toBe(32);
});

test('a refusal by the server reaches nobody', async () => {
  const t = setup(true);
  t.recorder.event(shop, waiting);
  t.recorder.event(shop, waiting);
  t.clock.advance(1_000);
  await t.settle();
  expect(t.patches).toEqual([]);
});
