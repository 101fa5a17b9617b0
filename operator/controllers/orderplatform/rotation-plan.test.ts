import { expect, test } from '@jest/globals';
import type { LoginState, RotationStep } from '../../resources/login-state.ts';
import { planRotation, type ObservedLogin } from './rotation-plan.ts';

/** `orders/postgres` at a step, and what it was last rotated for. */
function login(name: string, step?: RotationStep, rotatedFor?: string): ObservedLogin {
  const [service = '', backend] = name.split('/');
  const state: LoginState = {
    username: `${service}_1`,
    password: 'a',
    other: { username: `${service}_2`, password: undefined },
    step,
    rotatedFor,
    resourceVersion: '1',
  };
  return { secret: `shop-${service}-${backend}`, service, backend: backend as ObservedLogin['backend'], state };
}

interface Row {
  request?: string;
  logins: ObservedLogin[];
  down?: string;
  rollingOut?: string;
  moves: string[];
  handled?: boolean;
}

test.each<[string, Row]>([
  ['nothing is asked for', { logins: [login('orders/postgres')], moves: [] }],
  ['what is asked for is staged, for every backend of a service at once', { request: 'a', logins: [login('orders/postgres'), login('orders/nats')], moves: ['stage orders/postgres', 'stage orders/nats'] }],
  ['a crash between two writes is made up for before anything switches', { request: 'a', logins: [login('orders/postgres', 'Staged', 'a'), login('orders/nats')], moves: ['stage orders/nats'] }],
  ['services do not wait for each other', { request: 'a', logins: [login('orders/postgres', 'Staged', 'a'), login('users/postgres')], moves: ['switch orders/postgres', 'stage users/postgres'] }],
  ['a service switches only when all of its new roles are there', { request: 'a', logins: [login('orders/postgres', 'Staged', 'a'), login('orders/nats', 'Staged', 'a')], down: 'nats', moves: [] }],
  ['nothing begins while a store is down', { request: 'a', logins: [login('orders/postgres')], down: 'postgres', moves: [] }],
  ['the old role lives for as long as a pod may use it', { request: 'a', logins: [login('orders/postgres', 'Switched', 'a')], rollingOut: 'orders', moves: [] }],
  ['the old role ends when all pods have changed over', { request: 'a', logins: [login('orders/postgres', 'Switched', 'a')], moves: ['end orders/postgres'] }],
  ['it is handled when the old role is gone', { request: 'a', logins: [login('orders/postgres', 'Ended', 'a')], moves: [], handled: true }],
  ['it is not handled before the store has ended the old role', { request: 'a', logins: [login('orders/postgres', 'Ended', 'a')], down: 'postgres', moves: [] }],
  ['another value asks again', { request: 'b', logins: [login('orders/postgres', 'Ended', 'a')], moves: ['stage orders/postgres'] }],
  ['what was begun is ended before another request is looked at', { request: 'b', logins: [login('orders/postgres', 'Switched', 'a'), login('orders/nats', 'Ended', 'a')], moves: ['end orders/postgres'] }],
  ['what was begun is ended though the request is withdrawn', { logins: [login('orders/postgres', 'Staged', 'a')], moves: ['switch orders/postgres'] }],
  ['a platform without logins has nothing to do', { request: 'a', logins: [], moves: [], handled: true }],
])('%s', (_, { request, logins, down, rollingOut, moves, handled = false }) => {
  const plan = planRotation({
    request,
    logins,
    isProvisioned: (backend) => backend !== down,
    isRolledOut: (service) => service !== rollingOut,
  });
  expect(plan.moves.map(({ move, login: { service, backend } }) => `${move} ${service}/${backend}`)).toEqual(moves);
  expect(plan.isHandled).toBe(handled);
}); // prettier-ignore
