import { afterAll } from '@jest/globals';
import { startTestCluster, type TestCluster } from './cluster.ts';
import { platformsOf } from './platforms.ts';

/** A cluster that the tests of a file share, and ways to make platforms on it: it stops after the last of them. */
export async function sharedCluster(): Promise<{ cluster: TestCluster; platforms: ReturnType<typeof platformsOf> }> {
  const cluster = await startTestCluster();
  afterAll(() => cluster.stop(), 60_000);
  return { cluster, platforms: platformsOf(cluster) };
}
