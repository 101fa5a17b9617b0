import type { OrderPlatform } from '../api/v1alpha1/index.ts';
import { hashOf } from '../runtime/hash.ts';
import { IMAGE_NAMES, type Images, type Releases } from './images.ts';

/** A release of the platform: its version, and what it is made of. */
export interface Release {
  version: string;
  images: Images;
}

/** What an operator makes of platforms that ask for nothing else. */
export interface Offer extends Release {
  /** Version of what makes the manifests. */
  renderer: string;
  /** What it also has, for platforms whose spec names it. */
  releases: Releases;
}

/** Names an offer: an acceptance of it does not extend to the next. */
export function revisionOf(offer: Offer): string {
  return hashOf({ ...keptRelease(offer), renderer: offer.renderer }).slice(0, 10);
}

/** Whether the platform takes what this operator would make of it now, instead of keeping what runs. */
export function followsOperator({ spec }: Pick<OrderPlatform, 'spec'>, offered: Offer): boolean {
  const { policy, accepted } = spec.upgrades ?? {};
  return policy === 'Automatic' || accepted === revisionOf(offered);
}

/**
 * The release that a platform runs: the one that it has, until its spec asks for another. Jobs run the operator's own image in any case.
 * An operator of the same release with other images (overrides, a mirror) is followed at once: somebody has set them.
 */
export function releaseOf(platform: Pick<OrderPlatform, 'spec' | 'status'>, offered: Offer): Release {
  return releaseIf(followsOperator(platform, offered), platform, offered);
}

/** The release that the platform would run if it took what this operator offers. A version that its spec names is kept to. */
export function releaseIfFollowed(platform: Pick<OrderPlatform, 'spec' | 'status'>, offered: Offer): Release {
  return releaseIf(true, platform, offered);
}

function releaseIf(
  follows: boolean,
  { spec, status }: Pick<OrderPlatform, 'spec' | 'status'>,
  offered: Offer,
): Release {
  const listed = spec.version === undefined ? undefined : offered.releases[spec.version];
  if (spec.version !== undefined && listed) return { version: spec.version, images: { ...offered.images, ...listed } };
  const kept = status?.release;
  if (!kept || kept.version === offered.version) return offered;
  const isKept = spec.version === undefined ? !follows : spec.version === kept.version;
  if (!isKept) return offered;
  const images = Object.fromEntries(kept.images.map(({ name, image }) => [name, image])) as Partial<Images>;
  return { version: kept.version, images: { ...offered.images, ...images } };
}

/** Whether one version comes after another. */
export function isNewer(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) > 0;
}

/** A release as the status keeps it. */
export function keptRelease({
  version,
  images,
}: Release): NonNullable<NonNullable<OrderPlatform['status']>['release']> {
  const operands = IMAGE_NAMES.filter((name) => name !== 'operator');
  return { version, images: operands.map((name) => ({ name, image: images[name] })) };
}
