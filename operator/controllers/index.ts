import { randomBytes } from 'node:crypto';
import { desiredObjects } from '../resources/desired.ts';
import type { Images, Releases } from '../resources/images.ts';
import { RELEASE } from '../resources/release-images.ts';
import { realClock, type Client, type Clock, type Manager } from '../runtime/index.ts';
import { createCaches } from './caches.ts';
import type { Deps, Renderer } from './deps.ts';
import { migrationController } from './migration/controller.ts';
import { platformController } from './orderplatform/controller.ts';
import { seedJobController } from './seedjob/controller.ts';

export interface ControllersOptions {
  client: Client;
  images: Images;
  /** Default: none beside the operator's own. */
  releases?: Releases;
  clock?: Clock;
  /** Default: this operator's own. */
  renderer?: Renderer;
  /** Makes a password or key that nobody can guess. */
  newSecret?: () => string;
}

const OWN_RENDERER: Renderer = { version: RELEASE, release: RELEASE, render: desiredObjects };

/** 192 bits, in letters that need no quoting in a URI or a configuration file. */
const randomSecret = () => randomBytes(24).toString('base64url');

/** Registers every controller of the operator with a manager, which is then to be run. */
export function registerControllers(manager: Manager, options: ControllersOptions): void {
  const {
    client,
    images,
    releases = {},
    clock = realClock,
    renderer = OWN_RENDERER,
    newSecret = randomSecret,
  } = options;
  const deps: Deps = {
    client,
    images,
    releases,
    renderer,
    clock,
    caches: createCaches(manager),
    recorder: manager.recorder,
    newSecret,
  };
  platformController(manager, deps);
  migrationController(manager, deps);
  seedJobController(manager, deps);
}
