import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { watchForErrors } from '../../../e2e/harness/browser.ts';

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** Of whoever registers. */
export const PASSWORD = 'correct horse battery';

/** Somebody who visits the shop, with a browser profile of their own. */
export interface Visitor {
  page: Page;
  /** What a console should never show. */
  errors: string[];
  goTo: (path: string) => Promise<void>;
  leave: () => Promise<void>;
}

export interface VisitOptions {
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
  deviceScaleFactor?: number;
  /** Cookies and storage of somebody who was here before. */
  storageState?: Awaited<ReturnType<ReturnType<Page['context']>['storageState']>>;
}

export async function visit(browser: Browser, url: string, options: VisitOptions = {}): Promise<Visitor> {
  const page = await browser.newPage({ viewport: DESKTOP, colorScheme: 'light', reducedMotion: 'reduce', ...options });
  page.setDefaultTimeout(30_000);
  const errors = watchForErrors(page);
  return {
    page,
    errors,
    goTo: async (path) => void (await page.goto(url + path)),
    leave: () => page.context().close(),
  };
}

/** The page's violations of WCAG 2.2 AA and of good practice, as axe finds them; and whether it is wider than its window. */
export async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate(
    `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`,
  )) as axe.AxeResults;
  const faults = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`);
  const width = (await page.evaluate('document.documentElement.scrollWidth')) as number;
  const window = page.viewportSize()?.width ?? 0;
  return width > window ? [...faults, `it is ${width} wide in a window of ${window}`] : faults;
}

/** Makes an account with a name's address, and signs in with it; ends on the page of the account. */
export async function register({ page, goTo }: Visitor, name: string, password = PASSWORD): Promise<void> {
  await goTo('/register?next=/account');
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Email').fill(`${name.toLowerCase()}@example.com`);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.waitForURL('**/account');
  await page.getByRole('button', { name: 'Save' }).waitFor();
}

/** Puts so many of a product into the cart, on its page. */
export async function putIntoCart({ page, goTo }: Visitor, productId: string, qty = 1): Promise<void> {
  await goTo(`/products/${productId}`);
  await page.getByRole('textbox', { name: /^Quantity of/ }).fill(String(qty));
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByText('in the cart.').waitFor();
}

/** From a cart that has something in it to the page of the order. */
export async function checkOut({ page, goTo }: Visitor, account?: string): Promise<string> {
  await goTo('/checkout');
  if (account !== undefined) await page.getByLabel('Account of the sandbox').selectOption(account);
  await page.getByRole('button', { name: 'Place order' }).click();
  await page.waitForURL(/\/orders\/[0-9a-f-]{36}$/);
  return page.url().slice(page.url().lastIndexOf('/') + 1);
}
