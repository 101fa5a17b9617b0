/** Every service as its image has it, on real stores: how soon it listens, and what memory it takes with nothing to do. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { withBundles } from '@orderplane/hack/images/bundle.ts';
import type { Progress } from '@orderplane/hack/progress.ts';
import { root } from '@orderplane/hack/root.ts';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import { temporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import { figureLine, latencyLine } from './figures.ts';
import { type ServiceProcess, startService } from './service-process.ts';

const STARTS = 5;
const IDLE_MS = 10_000;

export async function benchServices(report: Progress): Promise<void> {
  await withBundles(['services'], report, async () => {});
  await using stack = new AsyncDisposableStack();
  const folder = await temporaryFolder('orderplane-services-');
  stack.defer(() => folder.remove());
  const [postgres, mongo, nats] = await Promise.all([startPostgres(), startMongo(), startNats()]);
  for (const server of [postgres, mongo, nats]) stack.defer(() => server.stop());

  const database = async (service: string) => ({ POSTGRES_URI: await serviceDatabase(postgres, service) });
  const broker = { BROKER_URI: nats.uri };
  /** The last of its starts, which goes on. */
  const measure = async (name: string, env: Readonly<Record<string, string>>) => {
    const options = { folder: folder.path, env, bundle: join(root, 'dist/services', name, 'server.mjs') };
    const times: number[] = [];
    let last: ServiceProcess | undefined;
    for (let index = 0; index < STARTS; index++) {
      await last?.stop();
      last = await startService(name, options);
      times.push(await last.startedInMs());
    }
    const running = last!;
    stack.defer(() => running.stop());
    await delay(IDLE_MS);
    console.log(latencyLine(`${name}: start of the process → listening`, times));
    console.log(figureLine(`${name}: memory, idle`, `${(await running.memory()).now.toFixed(0)} MiB`));
    return running.url;
  };

  const inventory = await measure('inventory', { ...broker, ...(await database('inventory')) });
  const payments = await measure('payments', { ...broker, ...(await database('payments')) });
  const orders = await measure('orders', { ...broker, ...(await database('orders')), INVENTORY_URL: inventory, SAGA_STEPS: 'stock,payment' }); // prettier-ignore
  const mongoUri = Object.assign(new URL(mongo.uri), { pathname: '/app' }).href;
  const orderQuery = await measure('order-query', { ...broker, MONGO_URI: mongoUri });
  const users = await measure('users', { ...(await database('users')), IDENTITY_SECRET: randomUUID() });
  await measure('gateway', { INVENTORY_URL: inventory, ORDERS_URL: orders, ORDER_QUERY_URL: orderQuery, USERS_URL: users, PAYMENTS_URL: payments }); // prettier-ignore
}
