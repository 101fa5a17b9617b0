import { expect, test } from '@jest/globals';
import { type Connections, unionOf } from './connections.ts';

const none: Connections = { services: [], backends: [] };

test.each<[string, Connections, Connections, Connections]>([
  ['nothing of nothing', none, none, none],
  ['what only the old ones had', none, { services: ['a'], backends: ['mongo'] }, { services: ['a'], backends: ['mongo'] }],
  ['the services of both, once', { ...none, services: ['a', 'b'] }, { ...none, services: ['b', 'c'] }, { ...none, services: ['a', 'b', 'c'] }],
  ['the backends of both, in one order', { ...none, backends: ['nats', 'redis'] }, { ...none, backends: ['postgres', 'nats'] }, { ...none, backends: ['postgres', 'redis', 'nats'] }],
])('new and old pods together connect to %s', (_, now, before, both) => {
  expect(unionOf(now, before)).toEqual(both);
}); // prettier-ignore
