import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPERATOR_NAME, OPERATOR_NAMESPACE } from '@orderplane/operator/resources/install.ts';
import { ConfigMaps, Deployments, type Client } from '@orderplane/operator/runtime/index.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../cluster/ports.ts';
import { root } from '../root.ts';
import { runWatched } from './watch.ts';

export interface DevOperator {
  kubeconfig: { path: string; context: string };
  /** Scale the operator in the cluster to 0 while this one runs. */
  takeOver: boolean;
  /** Run beside the operator in the cluster, whatever comes of it. */
  force: boolean;
}

const OPERATOR = { namespace: OPERATOR_NAMESPACE, name: OPERATOR_NAME };
const FIELD_MANAGER = 'orderplane-dev';

/** Runs this checkout's operator against a cluster, with the images that the operator there was told to use. */
export async function devOperator(
  { kubeconfig, takeOver, force }: DevOperator,
  { client, signal }: { client: Client; signal: AbortSignal },
): Promise<number> {
  const giveBack = await takeTurn(client, { takeOver, force }, signal);
  const folder = await mkdtemp(join(tmpdir(), 'orderplane-dev-'));
  try {
    const [port] = await freePorts(1);
    const settings = {
      MANAGEMENT_PORT: String(port),
      ...(await imagesFile(client, folder)),
    };
    for (const [name, value] of Object.entries(settings)) console.log(`  ${name}=${value}`);
    console.log(`\nThe operator of this checkout, against context ${kubeconfig.context}; Ctrl-C ends it.\n`);
    const main = join(root, 'operator', 'main.ts');
    return await runWatched(
      {
        args: [main, 'run', '--kubeconfig', kubeconfig.path, '--context', kubeconfig.context],
        cwd: root,
        env: { ...process.env, ...settings },
        serves: /"msg":"caches are synced"/,
      },
      signal,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
    await giveBack();
  }
}

/** Two operators at once write against each other: the one in the cluster has to rest. Gives back its turn. */
async function takeTurn(
  client: Client,
  { takeOver, force }: { takeOver: boolean; force: boolean },
  signal: AbortSignal,
): Promise<() => Promise<void>> {
  const deployment = await client.get(Deployments, OPERATOR);
  const replicas = deployment?.spec?.replicas ?? 0;
  if (replicas === 0) return async () => {};
  const inCluster = `the operator runs in this cluster already (Deployment ${OPERATOR_NAMESPACE}/${OPERATOR_NAME})`;
  if (takeOver) {
    const giveBack = async (): Promise<void> => {
      await scale(client, replicas);
      console.log(`• ${OPERATOR_NAME} in the cluster is back at ${replicas}`);
    };
    console.log(`• ${inCluster}: scaled to 0, back to ${replicas} at the end`);
    try {
      await scale(client, 0);
      while ((await client.get(Deployments, OPERATOR))?.status?.replicas) await delay(200, undefined, { signal });
    } catch (error) {
      await giveBack();
      throw error;
    }
    return giveBack;
  }
  if (!force) {
    throw new Error(
      `${inCluster}, and two would write against each other. Use --take-over to scale it to 0 while this one runs, or --force to run both.`,
    );
  }
  console.log(`! ${inCluster}: both write now`);
  return async () => {};
}

async function scale(client: Client, replicas: number): Promise<void> {
  await client.mergePatch(Deployments, OPERATOR, { spec: { replicas } }, { fieldManager: FIELD_MANAGER });
}

/** The images that this cluster has; without them, those of the release. */
async function imagesFile(client: Client, folder: string): Promise<{ ORDERPLANE_IMAGES_FILE?: string }> {
  const images = (await client.get(ConfigMaps, OPERATOR))?.data?.['images.yaml'];
  if (!images) return {};
  const file = join(folder, 'images.yaml');
  await writeFile(file, images);
  return { ORDERPLANE_IMAGES_FILE: file };
}
