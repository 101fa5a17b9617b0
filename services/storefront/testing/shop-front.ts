import { startPlatform, startShopStores, startStores } from '@orderplane/gateway/order-flow/platform.ts';
import { launchBrowser } from '../../../e2e/harness/browser.ts';
import { seedCatalogue } from './catalogue.ts';
import { disturb } from './disturbed-gateway.ts';
import { installBundle, startStandalone, stopStandalone } from './standalone.ts';

/** The shop in front of a platform's real services, with a gateway that can be disturbed, and a browser to look at it. */
export type ShopFront = Awaited<ReturnType<typeof startShopFront>>;

/** @param of the full platform has accounts, payments and a catalogue; the smallest one takes orders of anybody */
export async function startShopFront(of: 'smallest platform' | 'full platform') {
  await using stack = new AsyncDisposableStack();
  const [bundle, browser, stores] = await Promise.all([installBundle(), launchBrowser(), startStores()]);
  stack.defer(() => bundle.remove());
  stack.defer(() => stores.stop());
  stack.defer(() => browser.close());
  const isFull = of === 'full platform';
  if (isFull) await seedCatalogue(stores.inventoryUri);
  const platform = await startPlatform(stores, isFull ? await startShopStores(stores) : undefined);
  stack.defer(() => platform.stop());
  const gateway = await disturb(platform.gatewayUrl);
  stack.defer(() => gateway.stop());
  /** Another server of the shop. */
  const startServer = (environment: Record<string, string> = {}) =>
    startStandalone(bundle.directory, { NEXT_PUBLIC_GRAPHQL_URL: gateway.url, ...environment });
  const server = await startServer();
  stack.defer(() => stopStandalone(server));
  const started = stack.move();
  const stop = async () => {
    // Before all that it is connected to.
    await browser.close();
    await started.disposeAsync();
  };
  return { browser, stores, gateway, url: server.url, server, startServer, stop };
}
