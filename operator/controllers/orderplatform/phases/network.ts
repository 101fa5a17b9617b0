import type { Deps } from '../../deps.ts';
import { all, ensure } from '../../ensure.ts';
import { holds, pending, type Fact } from '../../fact.ts';
import type { Scope } from '../scope.ts';

/** Applies the NetworkPolicies before anything runs, so that no pod is ever open. */
export async function reconcileNetwork(deps: Deps, scope: Scope): Promise<Fact> {
  const { platform, desired } = scope;
  if (!desired) return pending('waits for credentials');
  await all(desired.networkPolicies, (policy) => ensure(deps, deps.caches.networkPolicies, platform, policy, scope));
  return platform.isRestricted
    ? holds('Restricted', `${desired.networkPolicies.length} NetworkPolicies close off the pods of the platform`)
    : holds('NotRequested', 'spec.networkPolicy.enabled is false: any pod may connect to those of the platform');
}
