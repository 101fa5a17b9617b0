import { describe, expect, test } from '@jest/globals';
import { PAYMENT_METHODS, FAILURE_REASONS, SANDBOX_TOKENS } from '@orderplane/contracts/payments.ts';
import { nextPage } from './account/next-page.ts';
import { addToCart, type CartLine, MAX_LINES, parseCart } from './cart/cart.ts';
import { faultOf, pricedCart } from './cart/priced.ts';
import { parseQuantity, stepQuantity } from './cart/quantity.ts';
import { wantedFrom } from './catalogue/wanted.ts';
import { METHODS, refusalOf, SANDBOX_ACCOUNTS } from './checkout/payment.ts';
import { formatAmount } from './ui/money.ts';

describe('amounts', () => {
  test.each([
    [199, '1.99'],
    [0, '0.00'],
    [5, '0.05'],
    [123_456_789, '1,234,567.89'],
    [2_147_483_647 * 10_000, '214,748,364,700.00'],
  ])('%d minor units read %s', (minorUnits, text) => expect(formatAmount(minorUnits)).toBe(text));
});

describe('quantities', () => {
  test.each([
    ['1', 1],
    [' 42 ', 42],
    ['10000', 10_000],
    ['0', 'Order at least 1.'],
    ['-1', 'Order at least 1.'],
    ['10001', 'Order at most 10000 at once.'],
    ['1.5', 'Enter a whole number.'],
    ['', 'Enter a whole number.'],
    ['two', 'Enter a whole number.'],
  ])('%j is %j', (text, expected) => {
    const quantity = parseQuantity(text);
    expect(quantity.kind === 'valid' ? quantity.value : quantity.message).toBe(expected);
  });

  test.each([
    ['1', 1, '2'],
    ['1', -1, '1'],
    ['10000', 1, '10000'],
    ['', 1, '1'],
    ['two', -1, '1'],
  ] as const)('from %j a step of %d leads to %s', (text, step, expected) =>
    expect(stepQuantity(text, step)).toBe(expected),
  );
});

describe('a cart', () => {
  const line = (productId: string, qty = 1): CartLine => ({ productId, qty, name: productId, price: 100 });
  const full = Array.from({ length: MAX_LINES }, (_, index) => line(`p${index}`));

  test.each<[string, CartLine[], CartLine, unknown]>([
    ['takes a product', [], line('a', 2), [line('a', 2)]],
    ['adds to what is there', [line('a', 2), line('b')], line('a', 3), [line('a', 5), line('b')]],
    ['holds no more of one than can be ordered', [line('a', 9_999)], line('a', 2), /at most 10000/],
    ['holds no more products than an order', full, line('another'), /50 different/],
    ['which is full takes more of what it has', full, line('p0'), [line('p0', 2), ...full.slice(1)]],
  ])('%s', (_sentence, cart, added, expected) => {
    const change = addToCart(cart, added);
    if (change.kind === 'changed') expect(change.cart).toEqual(expected);
    else expect(change.message).toMatch(expected as RegExp);
  });

  test.each<[string, string | null, CartLine[]]>([
    ['nothing', null, []],
    ['no JSON', '{', []],
    ['no list', '{"a":1}', []],
    [
      'what is no line',
      `[null, 1, ${JSON.stringify({ ...line('a'), qty: 0.5 })}, ${JSON.stringify(line('b'))}]`,
      [line('b')],
    ],
    ['a product twice', JSON.stringify([line('a', 2), line('a', 3)]), [line('a', 2)]],
  ])('that was kept as %s is read as what it holds', (_name, text, cart) => expect(parseCart(text)).toEqual(cart));

  test('is priced as of today, and tells what cannot be ordered', () => {
    const products = new Map([
      ['a', { id: 'a', name: 'A', price: 100 }],
      ['b', { id: 'b', name: 'B', price: 250, available: 3 }],
      ['c', { id: 'c', name: 'C', price: 100, available: 0 }],
    ]);
    const priced = pricedCart([line('a', 2), line('b', 4), line('c'), line('d')], products);
    expect(priced).toMatchObject({ total: 2 * 100 + 4 * 250 + 100, canBeOrdered: false });
    expect(priced.lines.map(({ formerPrice }) => formerPrice)).toEqual([undefined, 100, undefined, undefined]);
    expect(priced.lines.map(faultOf)).toEqual([
      undefined,
      'Only 3 of B are left.',
      'C is sold out.',
      'd is no longer sold.',
    ]);
    expect(pricedCart([line('a')], products).canBeOrdered).toBe(true);
  });
});

describe('payments', () => {
  test('are those of the platform, and every refusal has its words', () => {
    expect(METHODS.map(([method]) => method)).toEqual(PAYMENT_METHODS);
    expect(SANDBOX_ACCOUNTS.map(([token]) => token)).toEqual(Object.keys(SANDBOX_TOKENS));
    expect(FAILURE_REASONS.map(refusalOf)).not.toContain(undefined);
  });
});

describe('addresses', () => {
  test.each([
    [undefined, '/'],
    ['/checkout', '/checkout'],
    ['/orders/1?a=b', '/orders/1?a=b'],
    ['//elsewhere.example/', '/'],
    ['/\\elsewhere.example', '/'],
    ['https://elsewhere.example', '/'],
    ['javascript:alert(1)', '/'],
  ])('after signing in, next=%j leads to %s', (wanted, path) => expect(nextPage(wanted)).toBe(path));

  test.each([
    [{}, {}],
    [{ search: '  desk lamp ', category: '', other: 'x' }, { search: 'desk lamp' }],
    [{ search: ['a', 'b'] }, { search: 'a' }],
    [{ search: 'x'.repeat(200) }, { search: 'x'.repeat(100) }],
  ])('%j asks for %j', (parameters, wanted) => expect(wantedFrom(parameters)).toEqual(wanted));
});
