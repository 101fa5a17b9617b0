import { inspect } from 'node:util';
import { OrderPlatforms, type OrderPlatform } from '../../api/v1alpha1/index.ts';
import { findCondition, type Condition } from '../../runtime/index.ts';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';

export const VOLUME = { managed: { storage: '1Gi' } };

/** The platform of examples/ultralight. */
export const ULTRALIGHT = {
  stores: { postgres: VOLUME, mongo: VOLUME },
  broker: { nats: VOLUME },
  services: ['gateway', 'inventory', 'orders', 'order-query', 'storefront'].map((name) => ({ name })),
};

/** Ways to make platforms and to look at them. A platform is called shop, unless it is said otherwise. */
export function platformsOf({ client }: Pick<TestCluster, 'client'>) {
  const create = (namespace: string, spec: OrderPlatform['spec'], name = 'shop') =>
    client.create(OrderPlatforms, { metadata: { name, namespace }, spec });

  const change = (namespace: string, spec: object, name = 'shop') =>
    client.mergePatch(OrderPlatforms, { namespace, name }, { spec });

  /** Deletes it, and waits until it is gone. */
  const remove = async (namespace: string, name = 'shop') => {
    await client.delete(OrderPlatforms, { namespace, name });
    await eventually(`${name} is gone`, async () => !(await client.get(OrderPlatforms, { namespace, name })));
  };

  const find = (namespace: string, name = 'shop') => client.get(OrderPlatforms, { namespace, name });

  const read = async (namespace: string, name = 'shop'): Promise<OrderPlatform> => {
    const platform = await find(namespace, name);
    if (!platform) throw new Error(`OrderPlatform ${name} is gone`);
    return platform;
  };

  const condition = async (namespace: string, type: string, name = 'shop') =>
    findCondition((await read(namespace, name)).status?.conditions, type);

  /** Waits until a condition is as wanted, for what the platform is now. */
  const becomes = (
    namespace: string,
    type: string,
    wanted: { status: string; reason?: string; message?: RegExp },
    name = 'shop',
  ): Promise<Condition> =>
    eventually(
      `${type} of ${namespace}/${name} is ${inspect(wanted)}`,
      async () => {
        const { status, metadata } = await read(namespace, name);
        const found = findCondition(status?.conditions, type);
        if (!found || found.observedGeneration !== metadata.generation || found.status !== wanted.status) return false;
        if (wanted.reason && found.reason !== wanted.reason) return false;
        return (wanted.message?.test(found.message) ?? true) && found;
      },
      async () => (await read(namespace, name)).status,
    );

  const ready = (namespace: string, name = 'shop') => becomes(namespace, 'Ready', { status: 'True' }, name);

  return { create, change, remove, find, read, condition, becomes, ready };
}
