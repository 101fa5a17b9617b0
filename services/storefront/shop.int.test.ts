/** The whole shop in a browser, before the real services of a platform with accounts and payments. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type ShopFront, startShopFront } from './testing/shop-front.ts';
import {
  checkOut,
  DESKTOP,
  faultsOf,
  PASSWORD,
  PHONE,
  putIntoCart,
  register,
  visit,
  type VisitOptions,
  type Visitor,
} from './testing/visits.ts';

let shop: ShopFront;
/** The cookies of a customer, Ada: what signing in leaves in a browser. */
let ada: NonNullable<VisitOptions['storageState']>;
let visitor: Visitor;

jest.setTimeout(60_000);

beforeAll(async () => {
  shop = await startShopFront('full platform');
  ada = await registered('Ada');
}, 600_000);

beforeEach(async () => {
  shop.gateway.requests.length = 0;
  await enter();
});
afterEach(() => visitor.leave());

afterAll(() => shop?.stop(), 60_000);

/** As Ada, unless it is said otherwise. */
async function enter(options: VisitOptions = { storageState: ada }): Promise<void> {
  await visitor?.leave();
  visitor = await visit(shop.browser, shop.url, options);
}

async function registered(name: string): Promise<NonNullable<VisitOptions['storageState']>> {
  await enter({});
  await register(visitor, name);
  return visitor.page.context().storageState();
}

const heading = (name: string) => visitor.page.getByRole('heading', { level: 1, name });
const steps = () => visitor.page.getByRole('list', { name: 'How far it is' }).locator('.step-name').allTextContents();
const step = (name: string) => visitor.page.locator('.timeline li').filter({ hasText: name });

describe('a customer', () => {
  test('finds products by category and by words', async () => {
    const { page, goTo } = visitor;
    await goTo('/');
    const shown = () => page.getByRole('region', { name: 'Products' }).getByRole('heading').allTextContents();
    // What was late for the page comes to the browser.
    await page.getByRole('link', { name: 'Desk lamp' }).waitFor();
    expect(await shown()).toHaveLength(12);
    await page.getByRole('link', { name: 'Kitchen' }).click();
    await page.waitForURL('**/?category=kitchen');
    await page.getByRole('link', { name: 'Desk lamp' }).waitFor({ state: 'detached' });
    expect(await shown()).toEqual(['Cast-iron pan', 'Coffee grinder', 'Kettle']);
    await page.getByRole('searchbox').fill('steel');
    await page.getByRole('searchbox').press('Enter');
    await page.getByText('1 product for “steel”').waitFor();
    await page.getByRole('link', { name: 'Everything' }).click();
    await page.getByText('2 products for “steel”').waitFor();
    await page.getByRole('searchbox').fill('no such thing');
    await page.getByRole('searchbox').press('Enter');
    await page.getByText('Nothing found for “no such thing”').waitFor();
    await page.getByRole('link', { name: 'Show everything' }).click();
    await page.getByRole('link', { name: 'Desk lamp' }).waitFor();
    expect(await page.getByRole('searchbox').inputValue()).toBe('');
  });

  test('buys what is in the cart, which survives a reload, and sees each step until it is confirmed', async () => {
    const { page, errors } = visitor;
    await putIntoCart(visitor, 'lamp');
    await putIntoCart(visitor, 'notebook', 2);
    await page.getByRole('link', { name: 'Go to the cart' }).click();
    await page.waitForURL('**/cart');
    await page.reload();
    await page.getByText('74.00').waitFor();
    await page.getByRole('button', { name: 'One Notebook, dotted more' }).click();
    await page.getByText('86.50').waitFor();
    await page.getByRole('link', { name: 'Check out' }).click();
    await page.getByLabel('PayPal').check();
    await page.getByRole('button', { name: 'Place order' }).click();
    await heading('Your order is confirmed').waitFor();
    expect(await steps()).toEqual(['Placed: done', 'Set aside: done', 'Paid: done', 'Confirmed: done']);
    const spoken = page.getByRole('status').filter({ hasText: 'Your order is confirmed' });
    await spoken.waitFor({ state: 'attached' });
    expect(await page.getByRole('list').filter({ hasText: 'Desk lamp' }).innerText()).toContain('3 × Notebook, dotted');
    const { body } = shop.gateway.requests.find(({ name }) => name === 'POST /api/v1/orders')!;
    expect(JSON.parse(body)).toMatchObject({ payment: { method: 'PAYPAL', token: 'tok_ok' } });
    expect(await page.getByRole('link', { name: /^Cart/ }).innerText()).toBe('Cart');

    await page.getByRole('link', { name: 'All orders' }).click();
    const row = page.getByRole('listitem').filter({ hasText: '1 × Desk lamp, 3 × Notebook, dotted' });
    expect(await row.innerText()).toMatch(/Confirmed[^]*86\.50/);
    expect(errors).toEqual([]);
  });

  test.each([
    ['tok_insufficient_funds', 'There was not enough money on the account.'],
    ['tok_declined', 'The bank declined the payment.'],
    ['tok_expired', 'The card has expired.'],
    ['tok_fraud', 'The bank suspected a fraud.'],
    ['tok_error', 'The bank could not be reached.'],
  ])('whose payment ends as %s is told why, and what was undone', async (account, reason) => {
    await putIntoCart(visitor, 'p1');
    await checkOut(visitor, account);
    await heading('Your order is cancelled').waitFor();
    await visitor.page.locator('.reason', { hasText: reason }).waitFor();
    await step('Put back on the shelf').waitFor();
    expect(visitor.errors).toEqual([]);
  });

  test('who wants more than there is learns it in the cart; who was too late, from the order', async () => {
    const { page, goTo } = visitor;
    await putIntoCart(visitor, 'cookbook');
    await goTo('/cart');
    await page.getByRole('button', { name: 'One Bread, slowly more' }).click();
    await page.locator('.refusal', { hasText: 'Only 1 of Bread, slowly are left.' }).waitFor();
    await page.getByRole('button', { name: 'One Bread, slowly less' }).click();
    await page.getByRole('link', { name: 'Check out' }).click();
    const order = page.getByRole('button', { name: 'Place order' });
    await order.waitFor();
    // Between the look at the prices and the order, somebody else buys it.
    const body = { lines: [{ productId: 'cookbook', qty: 1 }], payment: { method: 'PAYPAL', token: 'tok_ok' } };
    await page.evaluate(`fetch('/backend/api/orders', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '${JSON.stringify(body)}' })`); // prettier-ignore
    await page.waitForFunction(`fetch('/backend/api/inventory/products/cookbook').then((a) => a.json()).then((p) => p.available === 0)`); // prettier-ignore
    await order.click();
    await heading('Your order is cancelled').waitFor();
    await page.locator('.reason', { hasText: 'Somebody was faster' }).waitFor();
  });

  test('may pay later, and cancel what is paid: the money comes back', async () => {
    const { page, goTo } = visitor;
    await putIntoCart(visitor, 'bottle');
    await goTo('/checkout');
    await page.getByLabel('Later').check();
    await page.getByRole('button', { name: 'Place order' }).click();
    await heading('Your order waits for your payment').waitFor();
    await page.getByRole('button', { name: 'Pay 24.00' }).click();
    await heading('Your order is confirmed').waitFor();
    await page.getByRole('button', { name: 'Cancel this order' }).click();
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await heading('Your order is cancelled and refunded').waitFor();
    await page.locator('.reason', { hasText: 'You cancelled it.' }).waitFor();
  });

  test('is told of a product that is no longer sold, and of a price that changed', async () => {
    const { page, goTo } = visitor;
    await goTo('/');
    const lines = [
      { productId: 'gone', qty: 1, name: 'Music box', price: 700 },
      { productId: 'kettle', qty: 1, name: 'Kettle', price: 100 },
    ];
    await page.evaluate(`localStorage.setItem('cart', '${JSON.stringify(lines)}')`);
    await goTo('/cart');
    await page.getByText('Music box is no longer sold.').first().waitFor();
    await page.getByText('It was 1.00.').waitFor();
    expect(await page.getByRole('link', { name: 'Check out' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Remove Music box' }).click();
    await page.getByRole('link', { name: 'Check out' }).waitFor();
  });
});

describe('an account', () => {
  test('is asked for at checkout, which goes on where it was', async () => {
    await enter({});
    const { page, goTo } = visitor;
    await putIntoCart(visitor, 'p1', 3);
    await goTo('/checkout');
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    await page.getByLabel('Email').fill('ada@example.com');
    await page.getByLabel('Password').fill('wrong horse');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The address or the password is wrong.').waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('3 × Widget').waitFor();
    await page.getByRole('link', { name: 'Account of Ada' }).waitFor();
  });

  test('that exists already is told at its field', async () => {
    await enter({});
    const { page, goTo } = visitor;
    await goTo('/register');
    await page.getByLabel('Name').fill('Ada');
    await page.getByLabel('Email').fill('ada@example.com');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByRole('alert').filter({ hasText: 'There is an account with this address.' }).waitFor();
    expect(await page.evaluate('document.activeElement.name')).toBe('email');
  });

  test('is changed, with a new password, and left', async () => {
    await registered('Grace');
    const { page } = visitor;
    await page.getByLabel('Name').fill('Grace Hopper');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    await page.getByRole('link', { name: 'Account of Grace Hopper' }).waitFor();
    await page.getByLabel('Current password').fill('not this one');
    await page.getByLabel('New password').fill('another good horse');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByRole('alert').filter({ hasText: 'not the current password' }).waitFor();
    await page.getByLabel('Current password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByText('You are signed out everywhere else.').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    expect((await page.context().cookies()).map(({ name }) => name)).toEqual([]);
  });
});

describe('a session', () => {
  test('is kept where no script sees it, and is none of another origin', async () => {
    await visitor.goTo('/account');
    const cookies = (await visitor.page.context().cookies()).filter(({ name }) => name !== 'shop_name');
    expect(cookies.map(({ name }) => name).sort()).toEqual(['shop_access', 'shop_refresh']);
    for (const cookie of cookies)
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/backend' });
    expect(await visitor.page.evaluate('document.cookie')).toBe('');
    for (const origin of [undefined, 'https://elsewhere.example', 'null']) {
      const headers = { 'content-type': 'application/json', ...(origin ? { origin } : {}) };
      const answer = await fetch(`${shop.url}/backend/session`, { method: 'POST', headers, body: '{}' });
      expect(answer.status).toBe(403);
    }
  });

  test('outlives its access token: however many requests come then, the refresh token is used once', async () => {
    await registered('Lin');
    const context = visitor.page.context();
    shop.gateway.requests.length = 0;
    await context.clearCookies({ name: 'shop_access' });
    const ask = `Promise.all(Array.from({ length: 8 }, () => fetch('/backend/api/users/profile').then((a) => a.status)))`;
    expect(await visitor.page.evaluate(ask)).toEqual(Array(8).fill(200));
    expect(shop.gateway.requests.filter(({ name }) => name === 'POST /api/v1/auth/refresh')).toHaveLength(1);
    await context.clearCookies({ name: 'shop_access' });
    expect(await visitor.page.evaluate(ask)).toEqual(Array(8).fill(200));
  });

  test('that was ended elsewhere is told, and leads to signing in again', async () => {
    const before = await registered('Kim');
    await visitor.page.getByRole('button', { name: 'Sign out' }).click();
    await visitor.page.getByRole('link', { name: 'Sign in' }).waitFor();
    const withoutAccess = { ...before, cookies: before.cookies.filter(({ name }) => name !== 'shop_access') };
    await enter({ storageState: withoutAccess });
    await visitor.goTo('/orders');
    await visitor.page.getByText('Sign in to go on').waitFor();
    expect(await visitor.page.context().cookies()).toEqual([]);
  });

  test("shows nothing of another customer's order", async () => {
    await putIntoCart(visitor, 'p1');
    const id = await checkOut(visitor);
    await enter({ storageState: await registered('Eve') });
    await visitor.goTo(`/orders/${id}`);
    await visitor.page.getByText('There is no such order').waitFor();
  });
});

describe('for everybody', () => {
  const views = [
    ['a desktop, light', DESKTOP, 'light'],
    ['a phone, dark', PHONE, 'dark'],
  ] as const;

  test.each(views)(
    'on %s every page fits, is accessible, and leaves the console empty',
    async (_name, viewport, colorScheme) => {
      await enter({ storageState: ada, viewport, colorScheme });
      const { page, errors, goTo } = visitor;
      const faults: Record<string, string[]> = {};
      const look = async (name: string) => (faults[name] = await faultsOf(page));
      for (const [path, shows] of [
        ['/', 'Desk lamp'],
        ['/?search=zzz', 'Nothing found'],
        ['/cart', 'Your cart is empty'],
        ['/account', 'Change password'],
        ['/sign-in', 'New here?'],
        ['/register', 'Been here before?'],
      ] as const) {
        await goTo(path);
        await page.getByText(shows).first().waitFor();
        await look(path);
      }
      await putIntoCart(visitor, 'tent');
      await look('/products/tent');
      await goTo('/cart');
      await page.getByText('189.00').first().waitFor();
      await look('/cart with something in it');
      await goTo('/checkout');
      await page.getByRole('button', { name: 'Place order' }).waitFor();
      await look('/checkout');
      await page.getByLabel('Account of the sandbox').selectOption('tok_declined');
      await page.getByRole('button', { name: 'Place order' }).click();
      await step('Put back on the shelf').waitFor();
      await look('an order that is cancelled');
      await goTo('/orders');
      await page.getByRole('listitem').filter({ hasText: 'Tent for two' }).first().waitFor();
      await look('/orders');
      expect(Object.entries(faults).filter(([, found]) => found.length > 0)).toEqual([]);
      expect(errors).toEqual([]);
    },
  );

  test('a keyboard is enough to buy something', async () => {
    const { page, goTo } = visitor;
    const tabTo = async (name: string) => {
      const focused = () => page.evaluate('document.activeElement.innerText ?? ""') as Promise<string>;
      for (let presses = 0; presses < 40; presses++) {
        await page.keyboard.press('Tab');
        if ((await focused()).trim() === name) return;
      }
      throw new Error(`40 times Tab do not lead to ${name}`);
    };
    await goTo('/');
    await tabTo('Desk lamp');
    await page.keyboard.press('Enter');
    await heading('Desk lamp').waitFor();
    await tabTo('Add to cart');
    await page.keyboard.press('Enter');
    await tabTo('Go to the cart');
    await page.keyboard.press('Enter');
    await heading('Cart').waitFor();
    await tabTo('Check out');
    await page.keyboard.press('Enter');
    await heading('Checkout').waitFor();
    await page.getByRole('button', { name: 'Place order' }).waitFor();
    await tabTo('Place order');
    await page.keyboard.press('Enter');
    await heading('Your order is confirmed').waitFor();
  });

  test('what can be pressed on a phone is at least 44 pixels high', async () => {
    await enter({ storageState: ada, viewport: PHONE });
    await putIntoCart(visitor, 'p1');
    const low = `[...document.querySelectorAll('button, input, select, .button, nav a')].filter((e) => !e.closest('label') && e.offsetHeight > 0 && Math.round(e.getBoundingClientRect().height) < 42).map((e) => e.outerHTML)`;
    for (const path of ['/', '/products/p1', '/cart', '/checkout', '/account', '/orders', '/sign-in']) {
      await visitor.goTo(path);
      await visitor.page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' });
      expect([path, await visitor.page.evaluate(low)]).toEqual([path, []]);
    }
  });
});
