import { expect, test } from '@jest/globals';
import { countWrites } from './audit.ts';

const NONE = { created: 0, statuses: 0, changed: 0, deleted: 0 };

const entry = (verb: string, resource: string, code: number, more: object = {}) => ({
  verb,
  userAgent: 'operator/1',
  responseStatus: { code },
  objectRef: { resource, ...more },
});

test.each([
  ['an apply that made the object is a create', entry('patch', 'services', 201), { created: 1 }],
  ['an apply to what was there is a change', entry('patch', 'services', 200), { changed: 1 }],
  ['a status is told apart', entry('patch', 'orderplatforms', 200, { subresource: 'status' }), { statuses: 1 }],
  ['a delete is one', entry('delete', 'jobs', 200), { deleted: 1 }],
  ['what was refused is no write', entry('create', 'secrets', 409), {}],
  ['an event is no write', entry('create', 'events', 201), {}],
  ['a read is no write', entry('get', 'services', 200), {}],
  ["somebody else's write does not count", { ...entry('create', 'services', 201), userAgent: 'kubectl/1' }, {}],
])('%s', (_sentence, line, expected) => {
  expect(countWrites(`${JSON.stringify(line)}\n`, 'operator/')).toEqual({ ...NONE, ...expected });
});
