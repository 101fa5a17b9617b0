/** Two platforms in one namespace: neither sees anything of the other. */
import { afterAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { openCluster } from '../harness/cluster.ts';
import { eventually } from '../harness/eventually.ts';
import { createOrder } from '../harness/graphql.ts';
import { sharedPlatform, type PlatformHandle } from '../harness/platform.ts';
import { connectMongo, storeUri } from '../harness/stores.ts';

const cluster = await openCluster();
const platforms = [await sharedPlatform(cluster, 'calm'), await sharedPlatform(cluster, 'rough')] as const;
const stores = await Promise.all(platforms.map((platform) => connectMongo(platform)));

afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await cluster.close();
});

const place = async (platform: PlatformHandle) => createOrder(await platform.gatewayUrl(), 'p1', 2);

describe('two platforms in one namespace', () => {
  test('keep their orders to themselves', async () => {
    expect(platforms[0].namespace).toBe(platforms[1].namespace);
    const placed = await Promise.all(platforms.map(place));
    const readModels = stores.map((store) => store.db('app').collection('orders'));
    for (const [index, readModel] of readModels.entries()) {
      await eventually(async () => (await readModel.countDocuments({ eventId: placed[index]?.id })) === 1, {
        timeoutMs: 10_000,
        what: `the order in the read model of ${platforms[index]?.name}`,
      });
    }
    // Each has shown its own by now: what is not in the other's read model is not on its way there either.
    for (const [index, readModel] of readModels.entries()) {
      expect(await readModel.countDocuments({ eventId: placed[1 - index]?.id })).toBe(0);
    }
  });

  test("do not let the one's services into the other's stores", async () => {
    const [own, other] = await Promise.all(platforms.map((platform) => storeUri(platform, 'postgres', 'orders')));
    const foreign = new URL(own!.href);
    foreign.hostname = other!.hostname;
    const client = new pg.Client({ connectionString: foreign.href });
    await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
  });
});
