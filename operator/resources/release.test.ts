import { describe, expect, test } from '@jest/globals';
import type { OrderPlatform } from '../api/v1alpha1/index.ts';
import { RELEASE_IMAGES } from './release-images.ts';
import { keptRelease, releaseIfFollowed, releaseOf, revisionOf, type Offer } from './release.ts';

const offer = (version: string, postgres: string): Offer => ({
  version,
  renderer: version,
  images: { ...RELEASE_IMAGES, operator: `operator:${version}`, postgres },
});
const OLD = offer('1.0.0', 'postgres:17.1');
const NEW = offer('2.0.0', 'postgres:17.9');
const kept = (spec: Partial<OrderPlatform['spec']>) =>
  ({ spec, status: { release: keptRelease(OLD) } }) as OrderPlatform;

describe('a platform runs', () => {
  test.each<[string, OrderPlatform, Offer, string]>([
    ["its operator's release, when it is new", { metadata: { name: 'shop' }, spec: {} }, NEW, '2.0.0 postgres:17.9'],
    ['the release that it has, under a new operator', kept({}), NEW, '1.0.0 postgres:17.1'],
    ['the one that its spec names', kept({ version: '2.0.0' }), NEW, '2.0.0 postgres:17.9'],
    ['the one that its spec names and that it has, also when it follows its operator', kept({ version: '1.0.0', upgrades: { policy: 'Automatic' } }), NEW, '1.0.0 postgres:17.1'],
    ["its operator's, when it follows that", kept({ upgrades: { policy: 'Automatic' } }), NEW, '2.0.0 postgres:17.9'],
    ['the one that was accepted', kept({ upgrades: { accepted: revisionOf(NEW) } }), NEW, '2.0.0 postgres:17.9'],
    ['the release that it has, when another was accepted', kept({ upgrades: { accepted: revisionOf(OLD) } }), NEW, '1.0.0 postgres:17.1'],
    ['other images of its release, when the operator is given some', kept({}), offer('1.0.0', 'mirror/postgres:17.1'), '1.0.0 mirror/postgres:17.1'],
  ])('%s', (_, platform, offered, expected) => {
    const { version, images } = releaseOf(platform, offered);
    expect(`${version} ${images.postgres}`).toBe(expected);
    expect(images.operator).toBe(offered.images.operator);
  });
}); // prettier-ignore

test('what a platform would run if it followed is bound by the version in its spec', () => {
  expect(releaseIfFollowed(kept({}), NEW).version).toBe('2.0.0');
  expect(releaseIfFollowed(kept({ version: '1.0.0' }), NEW).version).toBe('1.0.0');
});

test('an offer is named by all that it would bring, the image of the operator aside', () => {
  expect(revisionOf({ ...NEW, images: { ...NEW.images, operator: 'another' } })).toBe(revisionOf(NEW));
  expect(revisionOf({ ...NEW, renderer: 'another' })).not.toBe(revisionOf(NEW));
  expect(revisionOf(offer('2.0.0', 'postgres:18'))).not.toBe(revisionOf(NEW));
});
