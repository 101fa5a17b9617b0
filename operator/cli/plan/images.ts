import { readFile } from 'node:fs/promises';
import { OPERATOR_NAME, OPERATOR_NAMESPACE } from '../../resources/install.ts';
import { withImageOverrides, type Images } from '../../resources/images.ts';
import { RELEASE, RELEASE_IMAGES } from '../../resources/release-images.ts';
import type { Client } from '../../runtime/client.ts';
import { isForbidden } from '../../runtime/errors.ts';
import { ConfigMaps, Deployments } from '../../runtime/known-resources.ts';
import { firstAnswer } from '../cluster.ts';

/** The images that the operator in the cluster deploys, and how it differs from this command. */
export async function operatorOf(
  client: Client,
  imagesFile: string | undefined,
): Promise<{ images: Images; notes: string[] }> {
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
  const overrides = config?.data?.['images.yaml'];
  if (imagesFile || !overrides) return { images: await imagesWith(imagesFile), notes };
  return { images: withImageOverrides(RELEASE_IMAGES, overrides), notes };
}

/** The release's images, with those of a file in their place. */
export async function imagesWith(path: string | undefined): Promise<Images> {
  return path ? withImageOverrides(RELEASE_IMAGES, await readFile(path, 'utf8')) : RELEASE_IMAGES;
}
