/** orders in a process of its own, with an inventory that tells prices and hears a broker that nobody else does: who follows the orders is the caller's affair. */
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import { temporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import pg from 'pg';
import { type ServiceProcess, startService } from './service-process.ts';

/** What can be ordered. */
export const PRODUCT = 'p1';

export interface OrdersProcess {
  readonly orders: ServiceProcess;
  /** Its database. */
  readonly ordersUri: string;
  /** Its broker. */
  readonly brokerUri: string;
  /** For files; removed with the rest. */
  readonly folder: string;
}

/** Everything is stopped with the stack. */
export async function startOrders(stack: AsyncDisposableStack): Promise<OrdersProcess> {
  const folder = await temporaryFolder('orderplane-orders-');
  stack.defer(() => folder.remove());
  const [postgres, nats, quiet] = await Promise.all([startPostgres({ fsync: true }), startNats(), startNats()]);
  for (const server of [postgres, nats, quiet]) stack.defer(() => server.stop());
  const inventoryUri = await serviceDatabase(postgres, 'inventory');
  const ordersUri = await serviceDatabase(postgres, 'orders');
  await addProduct(inventoryUri);

  const inventory = await startService('inventory', {
    folder: folder.path,
    env: { BROKER_URI: quiet.uri, POSTGRES_URI: inventoryUri },
  });
  stack.defer(() => inventory.stop());
  const orders = await startService('orders', {
    folder: folder.path,
    env: { BROKER_URI: nats.uri, POSTGRES_URI: ordersUri, INVENTORY_URL: inventory.url },
  });
  stack.defer(() => orders.stop());
  return { orders, ordersUri, brokerUri: nats.uri, folder: folder.path };
}

async function addProduct(uri: string): Promise<void> {
  const client = new pg.Client(uri);
  await client.connect();
  await client.query(`insert into products (id, name, price) values ('${PRODUCT}', 'Widget', 199)`);
  await client.end();
}
