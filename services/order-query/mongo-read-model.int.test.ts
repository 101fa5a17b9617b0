import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { TestServer } from '@orderplane/hack/testing/server.ts';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { mongoReadModel } from './mongo-read-model.ts';

let mongo: TestServer;
beforeAll(async () => {
  mongo = await startMongo();
});
afterAll(() => mongo.stop());

test('a read model that was opened while the server was down serves once the server is back', async () => {
  await mongo.kill();
  const model = mongoReadModel(mongo.uri, 'order-query');
  try {
    // Two at once: one waits for a server while the other's failure closes what both wait on.
    const refused = await Promise.allSettled([model.check(), model.get('an-order')]);
    expect(refused).toMatchObject([
      { status: 'rejected', reason: { code: 'SERVICE_UNAVAILABLE' } },
      { status: 'rejected', reason: { code: 'SERVICE_UNAVAILABLE' } },
    ]);

    await mongo.start();
    await model.check();
    expect(await model.get('an-order')).toBeUndefined();
  } finally {
    await model.close();
  }
});
