import { describe, expect, test } from '@jest/globals';
import { endingCookies, nameCookie, readSession, type Tokens, tokenCookies } from './cookies.ts';
import { foreignOrigin, isSecure } from './origin.ts';
import { renewals } from './renewals.ts';

const tokens: Tokens = { accessToken: 'a2', expiresIn: 900, refreshToken: 'r2', refreshExpiresIn: 604_800 };

describe('cookies', () => {
  test('are read as they were set', () => {
    const set = [...tokenCookies(tokens, false), nameCookie('Zoë; = %', 60, false)];
    const cookie = set.map((each) => each.split(';')[0]).join('; ');
    expect(readSession(new Headers({ cookie }))).toEqual({ accessToken: 'a2', refreshToken: 'r2', name: 'Zoë; = %' });
    expect(readSession(new Headers({ cookie: 'shop_name=%zz; x' }))).toEqual({});
  });

  test('of tokens go to the backend only, and no script sees any', () => {
    const secure = [...tokenCookies(tokens, true), ...endingCookies(true)];
    for (const each of secure) expect(each).toMatch(/; HttpOnly; SameSite=(Strict|Lax); Secure$/);
    for (const each of tokenCookies(tokens, true)) expect(each).toMatch(/; Path=\/backend; .*SameSite=Strict/);
  });
});

describe('what changes something', () => {
  const request = (headers: Record<string, string>) => new Request('http://shop.internal:3000/', { headers });
  test.each<[string, Record<string, string>, boolean]>([
    ['of this origin', { origin: 'http://shop.example', 'x-forwarded-host': 'shop.example' }, true],
    ['without a proxy in front', { origin: 'http://localhost:3000', host: 'localhost:3000' }, true],
    ['of another origin', { origin: 'http://elsewhere.example', 'x-forwarded-host': 'shop.example' }, false],
    ['of another port', { origin: 'http://localhost:8080', 'x-forwarded-host': 'localhost:3000' }, false],
    ['of a page without an origin', { origin: 'null', 'x-forwarded-host': 'shop.example' }, false],
    ['of nobody knows whom', { 'x-forwarded-host': 'shop.example' }, false],
  ])('%s', (_name, headers, isAllowed) => expect(foreignOrigin(request(headers)) === undefined).toBe(isAllowed));

  test('is known to have come by HTTPS from the first proxy', () => {
    expect(isSecure(request({ 'x-forwarded-proto': 'https,http' }))).toBe(true);
    expect(isSecure(request({}))).toBe(false);
  });
});

describe('renewing', () => {
  const renewed = () => Response.json(tokens);

  /** `answers` in the order of exchanges. */
  function setUp(...answers: (() => Response)[]) {
    const exchanged: string[] = [];
    const clock = { now: 0 };
    const exchange = async (token: string) => {
      exchanged.push(token);
      return answers.shift()!();
    };
    return { exchanged, clock, renew: renewals({ exchange, now: () => clock.now }) };
  }

  test('exchanges a token once, for all who come with it within ten seconds', async () => {
    const { renew, exchanged, clock } = setUp(renewed, renewed, renewed);
    const together = await Promise.all([renew('r1'), renew('r1'), renew('r1')]);
    clock.now = 9_999;
    expect([...together, await renew('r1')]).toEqual(Array(4).fill({ kind: 'renewed', tokens }));
    expect(exchanged).toEqual(['r1']);
    await renew('other');
    clock.now = 20_001;
    await renew('r1');
    expect(exchanged).toEqual(['r1', 'other', 'r1']);
  });

  test.each([
    ['an answer that was lost is asked for again at once', [503, 200], 'renewed'],
    ['of a service that is away nobody knows', [503, 503], 'unknown'],
    ['a limit ends nothing', [429], 'unknown'],
    ['a login that is over is over', [401], 'ended'],
    ['what is no token is no login', [400], 'ended'],
  ])('%s', async (_sentence, statuses, kind) => {
    const answers = statuses.map((status) => () => (status === 200 ? renewed() : new Response('{}', { status })));
    const { renew, exchanged } = setUp(...answers);
    expect(await renew('r1')).toMatchObject({ kind });
    expect(exchanged).toHaveLength(statuses.length);
  });

  test('that failed is tried again by the next who comes', async () => {
    const away = () => new Response('{}', { status: 503 });
    const { renew } = setUp(away, away, renewed);
    await renew('r1');
    expect(await renew('r1')).toMatchObject({ kind: 'renewed' });
  });
});
