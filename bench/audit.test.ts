import { expect, test } from '@jest/globals';
import type { AuditEvent } from '../operator/controllers/testing/audit-log.ts';
import { kindOf } from './audit.ts';

const event = (verb: string, resource: string, code: number, subresource?: string): AuditEvent => ({
  verb,
  stage: 'ResponseComplete',
  requestReceivedTimestamp: '2026-01-01T00:00:00Z',
  user: { username: 'operator' },
  responseStatus: { code },
  objectRef: { resource, ...(subresource && { subresource }) },
});

test.each<[string, AuditEvent, ReturnType<typeof kindOf>]>([
  ['an apply that made the object is a create', event('patch', 'services', 201), 'created'],
  ['an apply to what was there is a change', event('patch', 'services', 200), 'changed'],
  ['a status is told apart', event('patch', 'orderplatforms', 200, 'status'), 'statuses'],
  ['a delete is one', event('delete', 'jobs', 200), 'deleted'],
  ['what was refused is no write', event('create', 'secrets', 409), undefined],
  ['an event is told apart', event('create', 'events', 201), 'events'],
  ['a lease is no state', event('update', 'leases', 200), undefined],
  ['a read is no write', event('get', 'services', 200), undefined],
  ['what is not answered yet is none', { ...event('create', 'services', 201), stage: 'RequestReceived' }, undefined],
])('%s', (_sentence, given, expected) => expect(kindOf(given)).toBe(expected));
