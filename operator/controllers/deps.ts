import type { Images } from '../resources/images.ts';
import type { Client, Clock, Recorder } from '../runtime/index.ts';
import type { Caches } from './caches.ts';

/** What every reconcile has at hand. */
export interface Deps {
  client: Client;
  caches: Caches;
  recorder: Recorder;
  clock: Clock;
  images: Images;
  /** A password or key that nobody can guess; letters, digits, `-` and `_` only. */
  newSecret: () => string;
}
