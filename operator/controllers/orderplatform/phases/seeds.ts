import { ofPlatform } from '../../caches.ts';
import type { Deps } from '../../deps.ts';
import { holds, type Fact } from '../../fact.ts';
import { factOfFaults, seedFault } from '../requirements.ts';
import type { Scope } from '../scope.ts';

/** Finds whether every SeedJob of the platform has run. Running them is the SeedJobs' own controller's part. */
export async function reconcileSeeds(deps: Deps, { platform }: Scope): Promise<Fact> {
  const names = ofPlatform(deps.caches.seedJobs, platform)
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ metadata }) => metadata.name)
    .sort();
  const faults = names.flatMap((name) => seedFault(deps, platform.namespace, name) ?? []);
  const fact = factOfFaults(deps, platform, faults);
  if (fact) return fact;
  return names.length > 0
    ? holds('Applied', `${names.length} of ${names.length} seeds have run`)
    : holds('NotRequested', 'no SeedJob is for this platform');
}
