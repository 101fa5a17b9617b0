/** The tests' own node: brought up before them, gone with everything on it after them. It never touches the user's. */
import { join } from 'node:path';
import { embeddedProvider, type Cluster, type ClusterProvider } from '@orderplane/hack/cluster/index.ts';
import { clusterLayout } from '@orderplane/hack/cluster/layout.ts';
import { bringUpOperator } from '@orderplane/hack/deploy/local.ts';
import { buildImages } from '@orderplane/hack/images/index.ts';
import type { Progress } from '@orderplane/hack/progress.ts';
import { ensureTools } from '@orderplane/hack/toolchain/index.ts';
import { nextReleases } from './next-releases.ts';
import { announceNode, type TestNode } from './node.ts';
import { ownServiceImage } from './own-image.ts';

export const E2E_CLUSTER = 'e2e';

/** Brings up the node that scenarios share, and tells their processes of it. */
export async function prepareNode(report: Progress): Promise<TestNode> {
  const node = await bringUpNode(report, E2E_CLUSTER);
  announceNode(node);
  return node;
}

/** Brings up a node with the operator of this checkout in it. Whatever is there already is left as it is. */
export async function bringUpNode(report: Progress, name: string): Promise<TestNode> {
  const { kubectl } = await ensureTools(['kubectl'], report);
  const { services } = await buildImages(report, { only: ['services'] });
  const own = await ownServiceImage(services, report);
  const later = await nextReleases(services, report);
  const releases = Object.fromEntries(
    Array.from(later, ([version, { reference }]) => [version, { services: reference }]),
  );
  // Nobody keeps this cluster: it need not survive a power cut.
  const { cluster, client } = await bringUpOperator(provider(name), report, { fsync: false, releases });
  await client.close();
  await cluster.importImages([own, ...later.values()], report);
  const flowLogPath = join(clusterLayout(name).logs, 'flows.ndjson');
  return { ...accessTo(cluster), flowLogPath, kubectl, ownServiceImage: own.reference };
}

/** Removes it, leaving nothing. */
export async function releaseNode(report: Progress, name: string = E2E_CLUSTER): Promise<void> {
  if (name === E2E_CLUSTER) announceNode(undefined);
  await provider(name).down(report);
}

function provider(name: string): ClusterProvider {
  return embeddedProvider({ name, userKubeconfig: join(clusterLayout(name).dir, 'tests.kubeconfig') });
}

function accessTo({ kubeconfigPath, context, auditLogPath }: Cluster) {
  if (!auditLogPath) throw new Error('these tests need a node with an audit log');
  return { kubeconfigPath, context, auditLogPath };
}
