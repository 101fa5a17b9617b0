/** Drivers are loaded when they are needed. How a bundle does that is not how Node does it: what runs in the image is tried here. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bundlePrograms, operatorProgram } from '@orderplane/hack/images/bundle.ts';
import { silentProgress } from '@orderplane/hack/progress.ts';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { startRedis } from '@orderplane/hack/testing/redis.ts';
import { temporaryFolder, type TemporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import { join } from 'node:path';
import { spawnJob } from '../testing/run-job.ts';

const START = { postgres: startPostgres, mongo: startMongo, redis: startRedis, nats: startNats } as const;
let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await temporaryFolder('orderplane-bundled-');
  await bundlePrograms(folder.path, 'operator', [operatorProgram()], silentProgress);
});
afterAll(() => folder?.remove());

test.each(['postgres', 'mongo', 'redis', 'nats'] as const)('the bundled operator logs in to %s', async (backend) => {
  const server = await START[backend]();
  try {
    const logins = [{ who: 'service orders', secret: 'shop-orders', variable: 'LOGIN_1_URI' }];
    const main = join(folder.path, 'operator', 'orderplane.mjs');
    const job = await spawnJob('connect', { backend, logins }, { LOGIN_1_URI: server.uri, LOG_LEVEL: 'error' }, main);
    const { result } = await job.exited;
    expect(JSON.parse(result)).toEqual({ ok: true, logins: 1 });
  } finally {
    await server.stop();
  }
});
