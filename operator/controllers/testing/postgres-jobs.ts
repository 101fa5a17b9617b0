import { afterAll } from '@jest/globals';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import type pg from 'pg';
import { connectTo } from '../../jobs/testing/postgres-target.ts';
import { Secrets, type Secret } from '../../runtime/index.ts';
import { startTestCluster, type TestCluster } from './cluster.ts';
import { startJobNode } from './job-node.ts';

export interface PostgresJobs {
  cluster: TestCluster;
  /** An empty database of a Postgres of the tests' own, and a namespace with the Secret `db` that opens it. */
  target(): Promise<{ namespace: string; database: string; client: pg.Client }>;
  connect(database: string): Promise<pg.Client>;
}

/**
 * An operator on a cluster that the tests of a file share, and a Postgres. The Jobs whose pods match run as processes, with these variables.
 * All of it stops after the last test.
 */
export async function postgresJobs(pods: RegExp, env?: Readonly<Record<string, string>>): Promise<PostgresJobs> {
  const [cluster, server] = await Promise.all([startTestCluster(), startPostgres()]);
  const connect = (database: string) => connectTo(server.uri, database);
  const admin = await connect('postgres');
  const node = await startJobNode(cluster.client, cluster.kubelet, pods, env);
  cluster.startOperator();
  afterAll(async () => {
    await admin.end();
    await cluster.stop();
    await node.stop();
    await server.stop();
  }, 60_000);
  let databases = 0;
  return {
    cluster,
    connect,
    async target() {
      const namespace = await cluster.namespace();
      const database = `app${++databases}`;
      await admin.query(`CREATE DATABASE ${database}`);
      const secret = { metadata: { name: 'db', namespace }, stringData: { uri: server.uri } };
      await cluster.client.create(Secrets, secret as Secret);
      return { namespace, database, client: await connect(database) };
    },
  };
}
