import { join } from 'node:path';
import type { ImageName, Releases } from '@orderplane/operator/resources/images.ts';
import { createClient, type Client } from '@orderplane/operator/runtime/index.ts';
import type { Cluster, ClusterProvider, Forward } from '../cluster/index.ts';
import { buildImages } from '../images/index.ts';
import { inStep, type Progress } from '../progress.ts';
import { root } from '../root.ts';
import { imageReference, versions } from '../versions.ts';
import { applyManifests, readManifests } from './manifests.ts';
import { installOperator } from './operator.ts';
import { waitUntilReady } from './platform.ts';

/** Where the example's platform is to be found on localhost. */
export const FORWARDS: readonly Forward[] = [
  { listen: 8080, namespace: 'shop', service: 'shop-gateway', port: 8080 },
  { listen: 3000, namespace: 'shop', service: 'shop-storefront', port: 3000 },
];

/** What the operator and the platforms run, by reference; what is left out is the release's. */
type ImageReferences = Partial<Record<ImageName, string>> & Record<'operator', string>;

export interface Local {
  cluster: Cluster;
  client: Client;
}

/**
 * A cluster with the operator of this checkout in it. On the embedded node it runs images built here; a cluster of somebody else's pulls
 * the release's own. Whatever is there already is left as it is.
 */
export async function bringUpOperator(
  provider: ClusterProvider,
  report: Progress,
  options: { forwards?: readonly Forward[]; fsync?: boolean; releases?: Releases; signal?: AbortSignal },
): Promise<Local> {
  const embedded = provider.name === 'embedded';
  const cluster = await provider.up(options, report);
  const images = embedded ? await localImages(cluster, report) : releaseImages();
  const client = createClient({ kubeconfig: { path: cluster.kubeconfigPath, context: cluster.context } });
  const input = { operatorImage: images.operator, images, releases: options.releases };
  await installOperator(client, input, report, options.signal);
  return { cluster, client };
}

/** Applies an example's folder, and waits until its platform is Ready. */
export async function bringUpExample(
  client: Client,
  folder: string,
  report: Progress,
  signal?: AbortSignal,
): Promise<void> {
  await inStep(report, `${folder} applied`, async () =>
    applyManifests(client, await readManifests(join(root, folder)), signal),
  );
  await waitUntilReady(client, { namespace: 'shop', name: 'shop' }, report, signal);
}

async function localImages(cluster: Cluster, report: Progress): Promise<ImageReferences> {
  const built = await buildImages(report);
  await cluster.importImages(Object.values(built), report);
  return Object.fromEntries(Object.entries(built).map(([name, image]) => [name, image.reference])) as ImageReferences;
}

function releaseImages(): ImageReferences {
  return Object.fromEntries(
    Object.entries(versions().images).map(([name, image]) => [name, imageReference(image)]),
  ) as ImageReferences;
}
