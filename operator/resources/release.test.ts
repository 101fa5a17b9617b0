import { describe, expect, test } from '@jest/globals';
import type { OrderPlatform } from '../api/v1alpha1/index.ts';
import { RELEASE_IMAGES } from './release-images.ts';
import { isNewer, keptRelease, releaseIfFollowed, releaseOf, revisionOf, type Offer } from './release.ts';

const offer = (version: string, postgres: string): Offer => ({
  version,
  renderer: version,
  releases: {},
  images: { ...RELEASE_IMAGES, operator: `operator:${version}`, postgres },
});
const OLD = offer('1.0.0', 'postgres:17.1');
const NEW = offer('2.0.0', 'postgres:17.9');
/** Lists another release, which differs in the services only. */
const LISTING: Offer = { ...OLD, releases: { '1.1.0': { services: 'services:1.1.0' } } };
const kept = (spec: Partial<OrderPlatform['spec']>) =>
  ({ spec, status: { release: keptRelease(OLD) } }) as OrderPlatform;

describe('a platform runs', () => {
  test.each<[string, OrderPlatform, Offer, string]>([
    ["its operator's release, when it is new", { metadata: { name: 'shop' }, spec: {} }, NEW, '2.0.0 postgres:17.9'],
    ['the release that it has, under a new operator', kept({}), NEW, '1.0.0 postgres:17.1'],
    ['the one that its spec names', kept({ version: '2.0.0' }), NEW, '2.0.0 postgres:17.9'],
    ['the one that its spec names and that it has, also when it follows its operator', kept({ version: '1.0.0', upgrades: { policy: 'Automatic' } }), NEW, '1.0.0 postgres:17.1'],
    ['a release that the administrator has listed, when its spec names it', kept({ version: '1.1.0' }), LISTING, '1.1.0 postgres:17.1 services:1.1.0'],
    ['that release also when it is listed no more', { spec: { version: '1.1.0' }, status: { release: keptRelease({ ...OLD, version: '1.1.0' }) } } as OrderPlatform, NEW, '1.1.0 postgres:17.1'],
    ["its operator's release again, when its spec names that", { spec: { version: '1.0.0' }, status: { release: keptRelease({ ...OLD, version: '1.1.0' }) } } as OrderPlatform, LISTING, '1.0.0 postgres:17.1'],
    ["its operator's, when it follows that", kept({ upgrades: { policy: 'Automatic' } }), NEW, '2.0.0 postgres:17.9'],
    ['the one that was accepted', kept({ upgrades: { accepted: revisionOf(NEW) } }), NEW, '2.0.0 postgres:17.9'],
    ['the release that it has, when another was accepted', kept({ upgrades: { accepted: revisionOf(OLD) } }), NEW, '1.0.0 postgres:17.1'],
    ['other images of its release, when the operator is given some', kept({}), offer('1.0.0', 'mirror/postgres:17.1'), '1.0.0 mirror/postgres:17.1'],
  ])('%s', (_, platform, offered, expected) => {
    const { version, images } = releaseOf(platform, offered);
    const services = images.services === RELEASE_IMAGES.services ? '' : ` ${images.services}`;
    expect(`${version} ${images.postgres}${services}`).toBe(expected);
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

test.each([
  ['0.10.0', '0.9.0', true],
  ['1.0.0', '1.0.0', false],
  ['0.9.9', '1.0.0', false],
])('%s is newer than %s: %s', (version, than, expected) => expect(isNewer(version, than)).toBe(expected));
