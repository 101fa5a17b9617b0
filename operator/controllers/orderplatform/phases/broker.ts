import type { Deps } from '../../deps.ts';
import { holds, pending, type Fact } from '../../fact.ts';
import { connectExternal } from '../external.ts';
import type { Scope } from '../scope.ts';
import { reconcileStore } from './stores.ts';

/** Applies the broker; a service more or less changes its users, and so rolls it. */
export async function reconcileBroker(deps: Deps, scope: Scope): Promise<Fact> {
  const { desired, platform } = scope;
  if (!platform.broker) return holds('NotRequested', 'the platform has no broker');
  if (platform.broker.external) {
    const { isUp, fault } = await connectExternal(deps, scope, 'nats');
    scope.brokerIsReady = isUp;
    return fault ?? holds('Ready', 'nats answers');
  }
  if (!desired?.broker) return pending('waits for credentials');
  const { isUp, fault } = await reconcileStore(deps, scope, desired.broker);
  scope.brokerIsReady = isUp;
  return fault ? { ...fault, reason: fault.reason.replace('Store', 'Broker') } : holds('Ready', 'nats answers');
}
