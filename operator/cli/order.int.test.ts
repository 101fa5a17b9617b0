/** `orderplane order trace` as a process, against a real API server for what it reads there, and a gateway that is played. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';
import { secretValue } from '../resources/credentials.ts';
import { sharedCluster } from '../controllers/testing/shared-cluster.ts';
import { Secrets } from '../runtime/index.ts';
import { ULTRALIGHT } from '../controllers/testing/platforms.ts';
import { orderplane } from './testing/run.ts';

const { cluster, platforms } = await sharedCluster();
const namespace = await cluster.namespace();
cluster.startOperator();

const ID = '0192f0c1-7c1e-7000-8000-3f1f6f0c2b11';
const step = (type: string, ms: number) => ({ eventId: type, type, service: 'orders', occurredAt: new Date(ms).toISOString(), compensates: false }); // prettier-ignore

let gateway: Server;
let answer: { status: number; body: unknown };
const asked: IncomingMessage[] = [];

beforeAll(async () => {
  gateway = createServer((request, response) => {
    asked.push(request);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  await platforms.create(namespace, ULTRALIGHT);
  await platforms.ready(namespace);
}, 60_000);
afterAll(() => void gateway.close());

const trace = (...args: string[]) =>
  orderplane(['order', 'trace', ID, '-n', namespace, '--kubeconfig', cluster.kubeconfig, ...args]);
const atGateway = () => ['--gateway', `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`];

describe('order trace', () => {
  test('asks with a token for traces alone, signed with the key of the platform, and draws the answer', async () => {
    answer = { status: 200, body: { correlationId: 'req-1', traceId: 't', steps: [step('order_created', 0), { ...step('order_confirmed', 5), causationId: 'order_created' }] } };
    const { code, stdout } = await trace(...atGateway());
    expect(code).toBe(0);
    expect(stdout).toContain(`Order ${ID}  ✓ confirmed  after 5 ms`);
    expect(stdout).toContain('└─ order_confirmed  orders  +5 ms');
    const request = asked.at(-1);
    expect(request?.url).toBe(`/api/v1/orders/${ID}/trace`);
    const secret = await cluster.client.get(Secrets, { namespace, name: 'shop-verification' });
    const token = request?.headers.authorization?.replace('Bearer ', '') ?? '';
    const expected = { issuer: 'orderplane-operator', audience: 'gateway', algorithms: ['HS256'], requiredClaims: ['exp'] };
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secretValue(secret, 'key')), expected);
    expect(payload.scope).toBe('trace');
  }, 30_000); // prettier-ignore

  test('gives programs everything, and ends with 2 while the order is on its way', async () => {
    answer = { status: 200, body: { correlationId: '', traceId: '', steps: [step('order_created', 0)] } };
    const { code, stdout } = await trace(...atGateway(), '-o', 'json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ platform: 'shop', id: ID, outcome: 'pending', steps: [{ type: 'order_created' }] });
  }, 30_000); // prettier-ignore

  test.each<[string, () => string[], RegExp]>([
    ['an order that there is not', atGateway, /the gateway does not tell of order \S+: there is no such order \(ORDER_NOT_FOUND\)/],
    ['a gateway that does not answer', () => ['--gateway', 'http://127.0.0.1:9'], /the gateway at http:\/\/127\.0\.0\.1:9 cannot be reached/],
    ['a platform that there is not', () => ['--platform', 'other'], /there is no Secret other-verification/],
    ['no way to the pod', () => [], /pod shop-gateway-\S+ cannot be reached/],
  ])('ends with 1 for %s, and says so', async (_, args, says) => {
    answer = { status: 404, body: { type: 'about:blank', title: 'there is no such order', status: 404, code: 'ORDER_NOT_FOUND' } };
    const { code, stderr } = await trace(...args());
    expect(stderr).toMatch(says);
    expect(code).toBe(1);
  }, 30_000); // prettier-ignore
});
