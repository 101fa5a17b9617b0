import type { Deps } from '../../deps.ts';
import { ensure } from '../../ensure.ts';
import { holds, pending, type Fact } from '../../fact.ts';
import type { Scope } from '../scope.ts';

/** Tells Prometheus of the services, where the cluster has the kind for it. A platform is no less Ready where it has not. */
export async function reconcileMonitoring(deps: Deps, scope: Scope): Promise<Fact> {
  const { platform, desired } = scope;
  if (!platform.metrics) return holds('NotRequested', 'spec.observability.metrics is not set');
  const { serviceMonitors } = deps.caches;
  const isServed = serviceMonitors.isServed();
  if (isServed === undefined)
    return holds(
      'NoServiceMonitors',
      'no ServiceMonitor is made, because the operator has no right to see whether the cluster has that kind (watch customresourcedefinitions servicemonitors.monitoring.coreos.com)',
    );
  if (!isServed)
    return holds(
      'NoServiceMonitors',
      'the cluster has no kind ServiceMonitor (monitoring.coreos.com/v1): one is made as soon as prometheus-operator is installed',
    );
  if (!desired?.serviceMonitor) return pending('waits for credentials');
  const { metadata } = await ensure(deps, serviceMonitors, platform, desired.serviceMonitor, scope);
  return holds('Monitored', `ServiceMonitor ${metadata.name} tells Prometheus of the services`);
}
