import { readFile } from 'node:fs/promises';
import { confinedTo, OPERATOR_NAME, OPERATOR_NAMESPACE } from '../../resources/install.ts';
import { readCatalogue, type ImageCatalogue } from '../../resources/images.ts';
import { RELEASE, RELEASE_IMAGES } from '../../resources/release-images.ts';
import type { Client } from '../../runtime/client.ts';
import { isForbidden } from '../../runtime/errors.ts';
import { ConfigMaps, Deployments } from '../../runtime/known-resources.ts';
import { firstAnswer } from '../cluster.ts';

/** What the operator in the cluster can deploy, what namespaces it is confined to, and how it differs from this command. */
export async function operatorOf(
  client: Client,
  imagesFile: string | undefined,
): Promise<{ catalogue: ImageCatalogue; namespaces?: readonly string[] | undefined; notes: string[] }> {
  const key = { namespace: OPERATOR_NAMESPACE, name: OPERATOR_NAME };
  const look = <T>(asked: Promise<T>) => asked.catch((error: unknown) => {
    if (isForbidden(error)) return undefined;
    throw error;
  }); // prettier-ignore
  const [config, deployment] = await Promise.all([
    look(client.get(ConfigMaps, key, firstAnswer())),
    look(client.get(Deployments, key, firstAnswer())),
  ]);
  const theirs = deployment?.metadata.labels?.['app.kubernetes.io/version'];
  const notes = [
    ...(deployment ? [] : [`no operator was seen in namespace ${OPERATOR_NAMESPACE}: this is what one of release ${RELEASE} would do`]),
    ...(theirs && theirs !== RELEASE ? [`the operator is of release ${theirs}: this is what one of release ${RELEASE} would do`] : []),
  ]; // prettier-ignore
  const namespaces = deployment && confinedTo(deployment);
  const file = config?.data?.['images.yaml'];
  if (imagesFile || !file) return { catalogue: await catalogueWith(imagesFile), namespaces, notes };
  return { catalogue: readCatalogue(OWN, file), namespaces, notes };
}

const OWN = { release: RELEASE, images: RELEASE_IMAGES };

/** What an operator of this release can deploy with an images file, or without. */
export async function catalogueWith(path: string | undefined): Promise<ImageCatalogue> {
  return readCatalogue(OWN, path ? await readFile(path, 'utf8') : '');
}
