import { ofPlatform } from '../../caches.ts';
import type { Deps } from '../../deps.ts';
import { holds, stalled, waiting, type Fact } from '../../fact.ts';
import { seedFault } from '../requirements.ts';
import type { Scope } from '../scope.ts';

/** Finds whether every SeedJob of the platform has run. Running them is the SeedJobs' own controller's part. */
export async function reconcileSeeds(deps: Deps, { platform }: Scope): Promise<Fact> {
  const names = ofPlatform(deps.caches.seedJobs, platform)
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ metadata }) => metadata.name)
    .sort();
  const faults = names.flatMap((name) => seedFault(deps, platform.namespace, name) ?? []);
  const fault = faults.find(({ isStalled }) => isStalled) ?? faults[0];
  if (fault) return (fault.isStalled ? stalled : waiting)(fault.reason, fault.message);
  return names.length > 0
    ? holds('Applied', `${names.length} of ${names.length} seeds have run`)
    : holds('NotRequested', 'no SeedJob is for this platform');
}
