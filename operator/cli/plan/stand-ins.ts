import type { OrderPlatform } from '../../api/v1alpha1/index.ts';
import { OrderPlatforms } from '../../api/v1alpha1/objects.ts';
import { catalogueEntry } from '../../resources/catalogue.ts';
import { serviceSecretName, type Backend } from '../../resources/names.ts';
import { Secrets } from '../../runtime/known-resources.ts';
import type { ObjectKey } from '../../runtime/resource.ts';
import type { World } from '../rehearsal/world.ts';

type ServiceSpec = NonNullable<OrderPlatform['spec']['services']>[number];

/** Where a URI of an external server would point; never shown. */
const SCHEMES: Readonly<Record<string, string>> = {
  postgres: 'postgres',
  mongo: 'mongodb',
  redis: 'redis',
  nats: 'nats',
};

/**
 * Puts a Secret there for each external store or broker, and for a certificate, where the files bring none: it is somebody else's to
 * make. Returns what was supposed, in words.
 */
export function placeStandIns(world: World, { namespace, name }: ObjectKey): string[] {
  const platform = world
    .find(OrderPlatforms)
    .find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  const { stores = {}, broker = {}, exposure } = platform?.spec ?? {};
  type Source = { external?: { secretRef?: { name: string }; provisioning?: string } };
  const sources = Object.entries({ ...stores, ...broker } as Record<string, Source>);
  const services = platform?.spec.services ?? [];
  const wanted = sources.flatMap(([engine, { external }]) => {
    if (!external?.secretRef) return [];
    const uri = `${SCHEMES[engine] ?? engine}://admin:unknown@${engine}.example:1234/unknown`;
    // Where the operator makes no logins, each service brings its own.
    const loggingIn = external.provisioning === 'None' ? services.filter((service) => needs(service, engine)) : [];
    const logins = loggingIn.map((service) => serviceSecretName(name, service.name, engine as Backend));
    return [external.secretRef.name, ...logins].map((secret) => ({ secret, data: { uri } }));
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

function needs({ name, needs: own = [] }: ServiceSpec, engine: string): boolean {
  return [...own, ...(catalogueEntry(name)?.needs ?? [])].some((need) => engine in need);
}
