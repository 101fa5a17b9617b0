/** Where the say over a Migration is: in its own spec or, for one of the release's, in the platform's. */
import type { Migration, OrderPlatform } from '../../api/v1alpha1/index.ts';
import { controllerOf } from '../../runtime/owner.ts';

/** A Migration whose policy is to be named. */
export interface Policed {
  namespace: string;
  name: string;
  /** The platform that made it, and the service that it was made for; undefined for one of a user's own. */
  release?: { platform: OrderPlatform; service: string } | undefined;
}

/** Who has the say over a Migration. @param platformNamed a platform of the Migration's namespace */
export function policedBy(
  { metadata, spec }: Migration,
  platformNamed: (name: string) => OrderPlatform | undefined,
): Policed {
  const { name, namespace = '' } = metadata;
  const owner = controllerOf({ metadata });
  const platform = owner?.kind === 'OrderPlatform' ? platformNamed(owner.name) : undefined;
  const service = spec.source.release;
  return { namespace, name, ...(platform && service && { release: { platform, service } }) };
}

/** Where a field of the policy is set, for people. */
export function policyPath({ release }: Policed, field: 'destructive' | 'down'): string {
  return release
    ? `spec.migrations.policy.${field} of OrderPlatform ${release.platform.metadata.name}`
    : `spec.policy.${field}`;
}

/** The edit that approves a plan. A merge patch replaces a list: the approvals of other services are in it. */
export function approvalPatch({ release }: Pick<Policed, 'release'>, planHash: string): object {
  if (!release) return { spec: { approval: { planHash } } };
  const { platform, service } = release;
  const others = (platform.spec.migrations?.approvals ?? []).filter((approval) => approval.service !== service);
  return { spec: { migrations: { approvals: [...others, { service, planHash }] } } };
}

/** The same as a command to type. */
export function approvalCommand(policed: Policed, planHash: string): string {
  const { namespace, name, release } = policed;
  const object = release ? `orderplatform ${release.platform.metadata.name}` : `migration ${name}`;
  return `kubectl -n ${namespace} patch ${object} --type merge -p '${JSON.stringify(approvalPatch(policed, planHash))}'`;
}
