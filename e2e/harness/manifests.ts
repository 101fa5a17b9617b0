/** The examples' manifests under other names, for tests that need several of them side by side. */
import { join } from 'node:path';
import { readManifests } from '@orderplane/hack/deploy/manifests.ts';
import { root } from '@orderplane/hack/root.ts';
import type { OrderPlatform } from '@orderplane/operator/api/v1alpha1/index.ts';
import type { KubeObject } from '@orderplane/operator/runtime/index.ts';

export interface PlatformName {
  readonly namespace: string;
  readonly name: string;
}

/** The names that the examples use. */
const EXAMPLE: PlatformName = { namespace: 'shop', name: 'shop' };

/**
 * An example's objects for another platform in another namespace: what is called `shop` or `shop-…` is called after the platform.
 * The example's Namespace is left out, a test brings its own.
 */
export async function exampleManifests(folder: string, to: PlatformName): Promise<KubeObject[]> {
  const objects = await readManifests(join(root, folder));
  return objects.filter(({ kind }) => kind !== 'Namespace').map((object) => rename(object, to) as KubeObject);
}

function rename(value: unknown, to: PlatformName, key?: string): unknown {
  if (key === 'namespace' && value === EXAMPLE.namespace) return to.namespace;
  if (typeof value === 'string') return renameText(value, to.name);
  if (Array.isArray(value)) return value.map((item) => rename(item, to));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, rename(inner, to, name)]));
}

function renameText(text: string, name: string): string {
  if (text === EXAMPLE.name) return name;
  return text.startsWith(`${EXAMPLE.name}-`) ? `${name}${text.slice(EXAMPLE.name.length)}` : text;
}

/** The same objects with the platform's spec changed. */
export function withPlatformSpec(
  objects: readonly KubeObject[],
  change: (spec: OrderPlatform['spec']) => OrderPlatform['spec'],
): KubeObject[] {
  return objects.map((object) => {
    if (object.kind !== 'OrderPlatform') return object;
    const platform = object as OrderPlatform;
    return { ...platform, spec: change(platform.spec) };
  });
}

type ServiceEntry = NonNullable<OrderPlatform['spec']['services']>[number];

/** The same spec with one more service, or the one of that name changed. */
export function withService(spec: OrderPlatform['spec'], service: ServiceEntry): OrderPlatform['spec'] {
  const others = (spec.services ?? []).filter(({ name }) => name !== service.name);
  return { ...spec, services: [...others, service] };
}
