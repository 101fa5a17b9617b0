import { expect, test } from '@jest/globals';
import { setCondition } from './conditions.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second, 500));
const ready = (status: 'True' | 'False', reason: string) => ({
  type: 'Ready',
  status,
  reason,
  message: '',
  observedGeneration: 1,
});

test('the transition time moves only when the status does', () => {
  const born = setCondition(undefined, ready('False', 'Starting'), at(1));
  const waiting = setCondition(born, ready('False', 'Waiting'), at(2));
  const up = setCondition(waiting, ready('True', 'Up'), at(3));
  expect([born, waiting, up].map(([condition]) => condition!.lastTransitionTime)).toEqual([
    '2026-01-01T00:00:01Z',
    '2026-01-01T00:00:01Z',
    '2026-01-01T00:00:03Z',
  ]);
  expect(waiting[0]!.reason).toBe('Waiting');
});

test('other conditions keep their place and the input is left alone', () => {
  const list = setCondition(setCondition([], ready('True', 'Up'), at(1)), { ...ready('True', 'x'), type: 'B' }, at(1));
  const next = setCondition(list, ready('False', 'Down'), at(2));
  expect(next.map((condition) => condition.type)).toEqual(['Ready', 'B']);
  expect(list[0]!.status).toBe('True');
});
