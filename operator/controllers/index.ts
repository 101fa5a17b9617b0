import { randomBytes } from 'node:crypto';
import { desiredObjects } from '../resources/desired.ts';
import type { Images } from '../resources/images.ts';
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
  clock?: Clock;
  /** Default: this operator's own. */
  renderer?: Renderer;
}

const OWN_RENDERER: Renderer = { version: RELEASE, release: RELEASE, render: desiredObjects };

/** Registers every controller of the operator with a manager, which is then to be run. */
export function registerControllers(
  manager: Manager,
  { client, images, clock = realClock, renderer = OWN_RENDERER }: ControllersOptions,
): void {
  const deps: Deps = {
    client,
    images,
    renderer,
    clock,
    caches: createCaches(manager),
    recorder: manager.recorder,
    // 192 bits, in letters that need no quoting in a URI or a configuration file.
    newSecret: () => randomBytes(24).toString('base64url'),
  };
  platformController(manager, deps);
  migrationController(manager, deps);
  seedJobController(manager, deps);
}
