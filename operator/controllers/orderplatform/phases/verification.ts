import { verificationSecretName } from '../../../resources/names.ts';
import { isVerifiable, verifiedPath, VERIFY_PURPOSE, verifyJob } from '../../../resources/platform-jobs.ts';
import type { Deps } from '../../deps.ts';
import { holds, pending, waiting, type Fact } from '../../fact.ts';
import { advanceRun } from '../../runs/advance.ts';
import { unfinishedRun } from '../../runs/fact.ts';
import type { Scope } from '../scope.ts';

/** Sends an order through the platform, once for what runs now, and again after a while for as long as it does not come through. */
export async function reconcileVerification(deps: Deps, scope: Scope): Promise<Fact> {
  const { platform, desired, runs, available, secrets } = scope;
  if (!isVerifiable(platform)) return holds('NotRequested', `an order needs ${verifiedPath(platform).join(', ')}`);
  if (!desired || !(verificationSecretName(platform.name) in secrets)) return pending('waits for credentials');
  const path = verifiedPath(platform);
  const onPath = desired.services.filter(({ service }) => path.includes(service.name));
  const templates = onPath.map(({ deployment }) => deployment?.spec?.template);
  const progress = await advanceRun(deps, verifyJob(platform, templates), runs.get(VERIFY_PURPOSE), {
    mayStart: onPath.every(({ service }) => available.has(service.name)),
    signal: scope.signal,
  });
  if (progress.record) runs.set(VERIFY_PURPOSE, progress.record);
  if (progress.isSettled) return holds('Verified', 'an order went through the whole platform');
  const isGated = !progress.running && progress.retryAfterMs === undefined;
  if (isGated && !progress.failure)
    return brokenHop(scope) ?? pending('waits for the services on the path of an order');
  return unfinishedRun(progress, 'sending an order through the platform');
}

/** The first service on the path of an order that has pods, but none that serve: no order gets past it. */
function brokenHop({ platform, deployments, available, troubles }: Scope): Fact | undefined {
  const hop = verifiedPath(platform).find((name) => deployments.has(name) && !available.has(name));
  if (hop === undefined) return undefined;
  return waiting('HopNotAvailable', `no order gets past ${hop}: ${troubles.get(hop) ?? 'its pods are starting'}`);
}
