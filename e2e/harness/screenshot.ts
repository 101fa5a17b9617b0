/**
 * Takes a picture of a page, once it shows what it has to show.
 *
 *     node e2e/harness/screenshot.ts http://localhost:3000 docs/images/storefront.png [--size 1280x800] [--dark] [--order 2] [--full]
 *
 * `--order N` orders N of the first product and waits until the order is in the read model.
 */
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { launchBrowser } from './browser.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: '1280x800' },
    dark: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    order: { type: 'string' },
  },
});

async function orderAndFollow(page: Page, quantity: string): Promise<void> {
  const product = page.locator('form.product').first();
  await product.getByRole('textbox').fill(quantity);
  await product.getByRole('button', { name: 'Order' }).click();
  await page.getByText('Sent to seen').waitFor();
  await page.locator('.order-list .fresh').waitFor();
  await page.mouse.move(0, 0);
}

const [url, file] = positionals;
const [width, height] = values.size.split('x').map(Number);
if (!url || !file || !width || !height) throw new Error('give an address, a file, and a size like 1280x800');

const browser = await launchBrowser();
try {
  const colorScheme = values.dark ? 'dark' : 'light';
  const page = await browser.newPage({
    viewport: { width, height },
    deviceScaleFactor: 2,
    colorScheme,
    reducedMotion: 'reduce',
  });
  await page.goto(url, { waitUntil: 'networkidle' });
  if (values.order) await orderAndFollow(page, values.order);
  await page.screenshot({ path: file, fullPage: values.full, animations: 'disabled' });
} finally {
  await browser.close();
}
