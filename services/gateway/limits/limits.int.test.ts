import { afterEach, describe, expect, test } from '@jest/globals';
import { PREFIX } from '../rest/plugin.ts';
import { startGateway, type TestGateway } from '../testing/gateway.ts';

let gateway: TestGateway | undefined;
afterEach(() => gateway?.stop());

const from = (address: string, token?: string) => ({ headers: { 'x-forwarded-for': address }, token });

describe('too many requests', () => {
  test('of one address are refused, with the time to wait; those of another are not', async () => {
    gateway = await startGateway({ RATE_LIMIT_PER_MINUTE: '3' });
    const path = `${PREFIX}/inventory/categories`;
    const first = await gateway.send('GET', path, from('192.0.2.1'));
    expect(first.status).toBe(200);
    expect(first.headers.get('ratelimit-limit')).toBe('3');
    expect(first.headers.get('ratelimit-remaining')).toBe('2');
    await gateway.send('GET', path, from('192.0.2.1'));
    await gateway.send('POST', '/graphql', from('192.0.2.1'));
    for (const refused of [path, '/nothing', '/docs']) {
      const answer = await gateway.send('GET', refused, from('192.0.2.1'));
      expect(answer).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answer.headers.get('ratelimit-remaining')).toBe('0');
    }
    expect(await gateway.send('GET', path, from('192.0.2.2'))).toMatchObject({ status: 200 });
  });

  test('of one user are refused, from whatever addresses they come; those of another user are not', async () => {
    gateway = await startGateway({ RATE_LIMIT_PER_MINUTE: '3' });
    const { own, other } = gateway.tokens;
    const ask = (i: number, token: string) => gateway!.send('GET', `${PREFIX}/orders`, from(`192.0.2.${i}`, token));
    for (const i of [1, 2, 3]) expect(await ask(i, own)).toMatchObject({ status: 200 });
    expect(await ask(4, own)).toMatchObject({ status: 429 });
    const graphql = await gateway.graphql('{ orders { next } }', {}, from('192.0.2.5', own));
    expect(graphql).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    expect(await ask(4, other)).toMatchObject({ status: 200 });
  });

  test('to log in to one account from one address are refused, however the account is written', async () => {
    gateway = await startGateway({ AUTH_RATE_LIMIT_PER_MINUTE: '3' });
    const login = (email: string, address: string) =>
      gateway!.send('POST', `${PREFIX}/auth/login`, { ...from(address), body: { email, password: 'p' } });
    for (const email of ['a@example.com', 'A@example.com', 'a@EXAMPLE.com']) {
      expect(await login(email, '192.0.2.1')).toMatchObject({ status: 200 });
    }
    const refused = await login('a@example.com', '192.0.2.1');
    expect(refused).toMatchObject({ status: 429 });
    expect(refused.headers.get('ratelimit-limit')).toBe('3');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(15);
    expect(await login('b@example.com', '192.0.2.1')).toMatchObject({ status: 200 });
    expect(await login('a@example.com', '192.0.2.2')).toMatchObject({ status: 200 });
  });

  test('are counted by the address that trusted proxies tell, and by no other', async () => {
    gateway = await startGateway({ RATE_LIMIT_PER_MINUTE: '1', TRUSTED_PROXIES: '192.0.2.0/24' });
    const path = `${PREFIX}/inventory/categories`;
    expect(await gateway.send('GET', path, from('198.51.100.1'))).toMatchObject({ status: 200 });
    expect(await gateway.send('GET', path, from('198.51.100.2'))).toMatchObject({ status: 429 });
  });
});
