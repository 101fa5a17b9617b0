/** A service of a user's own is as good as one of the release: any name, its own image, and everything it needs is injected. */
import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { OrderPlatforms } from '@orderplane/operator/api/v1alpha1/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { holds } from '../harness/conditions.ts';
import { eventually } from '../harness/eventually.ts';
import { createOrder } from '../harness/graphql.ts';
import { exampleManifests, withPlatformSpec, withService } from '../harness/manifests.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectBroker } from '../harness/stores.ts';
import { waitForObject } from '../harness/watching.ts';

const PORT = 9090;

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');

afterAll(() => cluster.close());

interface Report {
  readonly ordered: string;
  readonly greeting: string;
  readonly postgres: readonly string[];
  readonly mongo: readonly string[];
}

test('a service with a random name gets its databases, its topics and the address of orders', async () => {
  const name = `s${randomBytes(4).toString('hex')}`;
  figure('name of the service', name);
  const service = {
    name,
    image: cluster.ownServiceImage,
    port: PORT,
    env: [
      { name: 'NAME', value: name },
      { name: 'GREETING', value: 'hello' },
    ],
    needs: [
      { postgres: { database: `${name}_notes`, access: 'Owner' as const } },
      { mongo: { database: `${name}_notes` } },
      { broker: { consume: ['order_created'], publish: ['note_taken'] } },
      { service: { name: 'orders' } },
    ],
  };
  const example = await exampleManifests('examples/ultralight', platform);
  await cluster.apply(withPlatformSpec(example, (spec) => withService(spec, service)));
  await waitForObject(cluster.client, OrderPlatforms, platform, (found) => holds(found, 'ServicesAvailable'), {
    timeoutMs: 90_000,
    what: 'the availability of the service',
  });

  await using broker = await connectBroker(platform);
  const notes = new Set<string>();
  broker.subscribe('note_taken', { callback: (_error, note) => void notes.add(note.string()) });
  await broker.flush();
  const { id } = await createOrder(await platform.gatewayUrl(), 'p1', 1);
  const address = `http://${await platform.serviceAddress(`${platform.name}-${name}`)}:${PORT}`;
  const report = await eventually(
    async () => {
      const answer = (await (await fetch(address)).json()) as Report;
      return answer.mongo.includes(id) && answer;
    },
    { timeoutMs: 10_000, what: 'the note of the order' },
  );

  expect(report.greeting).toBe('hello');
  expect(report.postgres).toContain(id);
  // The order that it placed itself came back to it as an event.
  expect(report.mongo).toContain(report.ordered);
  await eventually(async () => notes.has(id), { timeoutMs: 10_000, what: 'the event of the note' });
}, 150_000);
