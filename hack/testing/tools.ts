import type { Progress } from '../progress.ts';
import { ensureTools } from '../toolchain/index.ts';
import { ensurePostgresClient } from '../toolchain/postgres-client.ts';

/** Makes the programs that the tests against real servers run, so that no test's time limit has to cover a build. */
export async function ensureTestTools(report: Progress): Promise<void> {
  await ensureTools(
    ['nats-server', 'ferretdb', 'kube-apiserver', 'kube-controller-manager', 'etcd', 'redis-server'],
    report,
  );
  await ensurePostgresClient(report);
}
