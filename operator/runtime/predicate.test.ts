import { expect, test } from '@jest/globals';
import { statusIgnored } from './predicate.ts';

const before = {
  metadata: { name: 'x', resourceVersion: '1', labels: { a: 'b' } },
  spec: { max: 1 },
  status: { now: 1 },
};

test.each([
  ['does not pass a new status', { ...before, metadata: { ...before.metadata, resourceVersion: '2' }, status: { now: 2 } }, false],
  ['passes another spec', { ...before, spec: { max: 2 } }, true],
  ['passes another label', { ...before, metadata: { ...before.metadata, labels: {} } }, true],
  ['passes the begin of a deletion', { ...before, metadata: { ...before.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }, true],
])('who ignores the status %s', (_, object, passes) => {
  expect(statusIgnored()({ type: 'update', object, previous: before, resync: false })).toBe(passes);
  expect(statusIgnored()({ type: 'delete', object })).toBe(true);
}); // prettier-ignore
