import type { Images, Releases } from '../resources/images.ts';
import type { Client, Clock, Recorder } from '../runtime/index.ts';
import type { Desired, SecretData } from '../resources/desired.ts';
import type { ReferencedData } from '../resources/environment.ts';
import type { Platform } from '../resources/platform.ts';
import type { Offer } from '../resources/release.ts';
import type { Caches } from './caches.ts';

/** What makes manifests of a platform. Another version may make others of the same platform. */
export interface Renderer {
  version: string;
  /** The release that `images` of the operator are of. */
  release: string;
  render: (platform: Platform, secrets: SecretData, referenced: ReferencedData) => Desired;
}

/** What every reconcile has at hand. */
export interface Deps {
  client: Client;
  caches: Caches;
  recorder: Recorder;
  clock: Clock;
  images: Images;
  /** Releases beside the operator's own. */
  releases: Releases;
  renderer: Renderer;
  /** A password or key that nobody can guess; letters, digits, `-` and `_` only. */
  newSecret: () => string;
}

/** What this operator offers to its platforms. */
export function offered({ renderer, images, releases }: Pick<Deps, 'renderer' | 'images' | 'releases'>): Offer {
  return { version: renderer.release, renderer: renderer.version, images, releases };
}
