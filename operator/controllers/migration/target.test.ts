import { expect, test } from '@jest/globals';
import {
  API_VERSION,
  migrationSpec,
  orderPlatformSpec,
  type Migration,
  type OrderPlatform,
} from '../../api/v1alpha1/index.ts';
import { RELEASE_IMAGES } from '../../resources/release-images.ts';
import { resolvePlatform } from '../../resources/resolve.ts';
import { asPlatformSays } from './target.ts';

type Policy = NonNullable<OrderPlatform['spec']['migrations']>['policy'];

const identity = { name: 'shop', namespace: 'shop', uid: 'u' };
const platformWith = (policy: Policy) => {
  const stores = { postgres: { managed: { storage: '1Gi' } } };
  const broker = { nats: stores.postgres };
  const spec = { stores, broker, services: [{ name: 'inventory' }], ...(policy && { migrations: { policy } }) };
  return resolvePlatform(identity, orderPlatformSpec.parse(spec), RELEASE_IMAGES).platform;
};
const migrationOf = (controller: string, policy: Policy): Migration => ({
  metadata: {
    name: 'shop-inventory',
    ownerReferences: [{ apiVersion: API_VERSION, kind: controller, name: 'shop', uid: 'u', controller: true }],
  },
  spec: migrationSpec.parse({
    platformRef: { name: 'shop' },
    engine: 'postgres',
    database: 'inventory',
    source: { release: 'inventory' },
    ...(policy && { policy }),
  }),
});

test.each<[string, string, Policy, Policy, Policy]>([
  ['the platform is stricter by now', 'OrderPlatform', { destructive: 'Reject' }, { destructive: 'Allow' }, { destructive: 'Reject' }],
  ['the platform allows nothing any more', 'OrderPlatform', undefined, { destructive: 'Allow' }, undefined],
  ['somebody else owns it', 'Kustomization', undefined, { destructive: 'Allow' }, { destructive: 'Allow' }],
])('what goes for a Migration of the release: %s', (_, controller, ofPlatform, ofMigration, expected) => {
  const migration = migrationOf(controller, ofMigration);
  const { policy } = asPlatformSays(migration, migrationSpec.parse(migration.spec), platformWith(ofPlatform));
  expect(policy).toEqual(expected && expect.objectContaining(expected));
}); // prettier-ignore
