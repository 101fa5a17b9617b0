import { expect, test } from '@jest/globals';
import type { OrderPlatform } from '../../api/v1alpha1/index.ts';
import { Deployments, Secrets } from '../../runtime/index.ts';
import { VOLUME } from '../testing/platforms.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
cluster.startOperator();

const USERS: OrderPlatform['spec'] = { stores: { postgres: VOLUME }, services: [{ name: 'users' }] };
const keyOf = async (namespace: string) =>
  (await cluster.client.get(Secrets, { namespace, name: 'shop-identity' }))?.data?.key;

test('a platform has an identity while the service that keeps accounts serves, with a key that stays', async () => {
  const namespace = await cluster.namespace();
  await cluster.kubelet.behave(/^shop-users-/, { kind: 'hold' });
  await platforms.create(namespace, USERS);
  const waiting = await platforms.becomes(namespace, 'IdentityReady', { status: 'Unknown' }).catch(() => undefined);
  expect(waiting?.message ?? (await platforms.condition(namespace, 'IdentityReady'))?.message).toContain('users');

  await cluster.kubelet.behave(/^shop-users-/, { kind: 'run' });
  await platforms.ready(namespace);
  const ready = await platforms.condition(namespace, 'IdentityReady');
  expect(ready).toMatchObject({ status: 'True', reason: 'Ready', message: 'users keeps accounts; tokens last 15m, logins 168h' });
  const container = (await cluster.client.get(Deployments, { namespace, name: 'shop-users' }))?.spec?.template.spec?.containers[0];
  expect(container?.env).toContainEqual({ name: 'IDENTITY_SECRET', valueFrom: { secretKeyRef: { name: 'shop-identity', key: 'key' } } });

  const key = await keyOf(namespace);
  expect(Buffer.from(key ?? '', 'base64').toString()).toMatch(/^[\w-]{32,}$/);
  await platforms.remove(namespace);
  expect(await keyOf(namespace)).toBe(key);
  await platforms.create(namespace, USERS);
  await platforms.ready(namespace);
  expect(await keyOf(namespace)).toBe(key);
}, 150_000); // prettier-ignore

test('a platform without accounts asks for none', async () => {
  const namespace = await cluster.namespace();
  await platforms.create(namespace, {});
  await platforms.ready(namespace);
  expect(await platforms.condition(namespace, 'IdentityReady')).toMatchObject({ status: 'True', reason: 'NotRequested' });
  expect(await keyOf(namespace)).toBeUndefined();
}, 30_000); // prettier-ignore
