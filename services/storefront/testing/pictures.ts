/**
 * Takes the pictures of docs/images, of the shop before its real services:
 *
 *     node services/storefront/testing/pictures.ts
 */
import { join } from 'node:path';
import { root } from '@orderplane/hack/root.ts';
import { startShopFront } from './shop-front.ts';
import { checkOut, PHONE, putIntoCart, register, visit, type Visitor } from './visits.ts';

const shop = await startShopFront('full platform');
try {
  const ada = await visit(shop.browser, shop.url, { deviceScaleFactor: 1.5 });
  await register(ada, 'Ada');
  await ada.goTo('/');
  await ada.page.getByRole('link', { name: 'Widget' }).waitFor();
  await ada.page.getByRole('link', { name: 'Kitchen' }).waitFor();
  await take(ada, 'storefront.png');
  await putIntoCart(ada, 'lamp');
  await putIntoCart(ada, 'notebook', 2);
  await ada.goTo('/checkout');
  await ada.page.getByRole('button', { name: 'Place order' }).waitFor();
  await take(ada, 'storefront-checkout.png');
  await checkOut(ada, 'tok_declined');
  await ada.page.getByText('Put back on the shelf').waitFor();
  await take(ada, 'storefront-order.png');

  const onPhone = await visit(shop.browser, shop.url, { viewport: PHONE, colorScheme: 'dark', deviceScaleFactor: 1.5 });
  await onPhone.goTo('/');
  await onPhone.page.getByRole('link', { name: 'Kitchen' }).waitFor();
  await onPhone.page.getByRole('link', { name: 'Widget' }).waitFor();
  await take(onPhone, 'storefront-phone.png');
} finally {
  await shop.stop();
}

async function take({ page }: Visitor, file: string): Promise<void> {
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(root, 'docs/images', file), animations: 'disabled' });
}
