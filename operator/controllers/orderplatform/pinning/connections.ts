import { type Caller, connectionsOf, unionOf } from '../../../resources/connections.ts';
import { REVISION_OF_LABEL } from '../../../resources/labels.ts';
import { componentName } from '../../../resources/names.ts';
import type { Platform, Service } from '../../../resources/platform.ts';
import { appliedTemplate } from '../../../resources/service.ts';
import { parseRevision, type TemplateRevision } from '../../../resources/template-revision.ts';
import { hashOf, isDeleting, type Deployment } from '../../../runtime/index.ts';
import { hasEnded, ofPlatform, podsOfComponent } from '../../caches.ts';
import type { Deps } from '../../deps.ts';
import { isObserved } from '../../observed.ts';
import { revisionsOf } from './pin.ts';

/** The platform with what its old pods connect to, too: those of a release that serves on while another is waited for, or is returned to, or drains. */
export function withConnectionsOfRunningPods(deps: Pick<Deps, 'caches'>, platform: Platform): Platform {
  const services = platform.services.map((service) => ({
    ...service,
    connections: templatesInUse(deps, platform, service)
      .flatMap(({ connections }) => connections ?? [])
      .reduce(unionOf, connectionsOf(service.needs)),
  }));
  return { ...platform, services, leaving: leavingServices(deps, platform) };
}

/** Those that have no place in the spec any more, as long as they have pods. */
function leavingServices(deps: Pick<Deps, 'caches'>, platform: Platform): Caller[] {
  const staying = new Set(platform.services.map(({ name }) => name));
  const revisions = ofPlatform(deps.caches.revisions, platform);
  const byService = Map.groupBy(revisions, ({ metadata }) => metadata.labels?.[REVISION_OF_LABEL] ?? '');
  return [...byService].flatMap(([name, found]) => {
    const [first, ...others] = found.flatMap((revision) => parseRevision(revision).connections ?? []);
    if (staying.has(name) || !first || runningPods(deps, platform, name).length === 0) return [];
    return { name, connections: others.reduce(unionOf, first) };
  });
}

/** The templates that its pods may be of: one, unless they are being replaced. */
function templatesInUse(deps: Pick<Deps, 'caches'>, platform: Platform, { name }: Service): TemplateRevision[] {
  const { deployments, cronJobs } = deps.caches;
  const key = { namespace: platform.namespace, name: componentName(platform.name, name) };
  const deployment = deployments.get(key);
  const workload = deployment ?? cronJobs.get(key);
  const revisions = revisionsOf(deps, { platform }, name).map(parseRevision);
  const pods = runningPods(deps, platform, name);
  const areAlike = deployment ? isRolledOut(deployment) && !pods.some(isDeleting) : pods.length === 0;
  if (!areAlike) return revisions;
  const applied = workload && hashOf(appliedTemplate(workload));
  return revisions.filter(({ template }) => hashOf(template) === applied);
}

const runningPods = ({ caches }: Pick<Deps, 'caches'>, platform: Platform, service: string) =>
  podsOfComponent(caches, platform, service).filter((pod) => !hasEnded(pod));

/** Every pod that it counts is of its template. Those that drain are not counted. */
function isRolledOut(deployment: Deployment): boolean {
  const { replicas = 0, updatedReplicas = 0 } = deployment.status ?? {};
  return isObserved(deployment) && replicas === updatedReplicas;
}
