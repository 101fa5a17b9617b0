/** The stores of a platform that a SeedJob writes to. */
import type { Engine, SeedJobSpec } from '../../api/v1alpha1/index.ts';
import { adminServer } from '../../resources/platform-jobs.ts';
import type { Platform } from '../../resources/platform.ts';
import type { SeedRunInput } from '../../resources/seed-run.ts';
import type { Deps } from '../deps.ts';
import { Blocked } from '../fact.ts';
import { platformDatabase } from '../target.ts';

export interface SeedStores extends Pick<SeedRunInput, 'servers' | 'operatorImage' | 'pullSecrets'> {
  /** The stores that the datasets go to: another volume or server has none of the rows. */
  identities: string[];
  isSuspended: boolean;
}

/** What the datasets are written to. Throws Blocked while one of the databases is not there. */
export function seedStores(deps: Deps, namespace: string, spec: SeedJobSpec): SeedStores {
  const servers = new Map<Engine, SeedStores['servers'][number]>();
  const identities = new Set<string>();
  let isSuspended = false;
  let platform: Platform | undefined;
  for (const { engine, database } of spec.datasets) {
    const { found, fault } = platformDatabase(deps, { namespace, platform: spec.platformRef.name, engine, database });
    if (!found) throw new Blocked(fault);
    servers.set(engine, adminServer(found.platform, engine));
    identities.add(found.identity);
    isSuspended = found.isSuspended;
    platform = found.platform;
  }
  const { images, pullSecrets } = platform ?? { images: deps.images, pullSecrets: [] };
  const identified = { servers: [...servers.values()], identities: [...identities].sort() };
  return { ...identified, operatorImage: images.operator, pullSecrets, isSuspended };
}
