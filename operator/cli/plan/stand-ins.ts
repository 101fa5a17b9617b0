import { OrderPlatforms } from '../../api/v1alpha1/objects.ts';
import { Secrets } from '../../runtime/known-resources.ts';
import type { ObjectKey } from '../../runtime/resource.ts';
import type { World } from '../rehearsal/world.ts';

/** Where a URI of an external server would point; never shown. */
const SCHEMES: Readonly<Record<string, string>> = { postgres: 'postgres', mongo: 'mongodb', nats: 'nats' };

/**
 * Puts a Secret there for each external store or broker, and for a certificate, where the files bring none: it is somebody else's to
 * make. Returns what was supposed, in words.
 */
export function placeStandIns(world: World, { namespace, name }: ObjectKey): string[] {
  const platform = world
    .find(OrderPlatforms)
    .find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  const { stores = {}, broker = {}, exposure } = platform?.spec ?? {};
  type Source = { external?: { secretRef?: { name: string } } };
  const sources = Object.entries({ ...stores, ...broker } as Record<string, Source>);
  const wanted = sources.flatMap(([engine, { external }]) => {
    const uri = `${SCHEMES[engine] ?? engine}://admin:unknown@${engine}.example:1234`;
    return external?.secretRef ? [{ secret: external.secretRef.name, data: { uri } }] : [];
  });
  const tls = exposure?.ingress?.tls;
  const certificate = {
    secret: tls?.secretName ?? `${name}-tls`,
    data: { 'tls.crt': 'unknown', 'tls.key': 'unknown' },
  };
  return [...wanted, ...(tls ? [certificate] : [])].flatMap(({ secret, data }) => {
    if (world.find(Secrets).some(({ metadata }) => metadata.name === secret)) return [];
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
    world.put(Secrets, { metadata: { namespace, name: secret }, data: Object.fromEntries(encoded) });
    return [`the files have no Secret ${secret}: it is supposed to be there, with ${Object.keys(data).join(' and ')}`];
  });
}
