/**
 * Rights as text, so that what is granted can be compared with what was made use of: `list pods`, `patch deployments.apps`,
 * `patch orderplatforms.orderplane.dev/status`, and with a name where one is said: `get leases.coordination.k8s.io orderplane-operator`.
 */
import type { KubeObject } from '../../runtime/index.ts';

interface Rule {
  apiGroups: readonly string[];
  resources: readonly string[];
  verbs: readonly string[];
  resourceNames?: readonly string[];
}

/** What an audit log tells of a request. */
export interface AuditedAccess {
  verb: string;
  objectRef?: {
    apiGroup?: string;
    resource: string;
    subresource?: string;
    name?: string;
  };
  responseStatus?: { code?: number; message?: string };
}

/** Everything that the Roles and ClusterRoles among the objects grant. */
export function grantedRights(objects: readonly KubeObject[]): string[] {
  return objects
    .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
    .flatMap((role) => (role as KubeObject & { rules: readonly Rule[] }).rules)
    .flatMap(({ apiGroups, resources, verbs, resourceNames = [''] }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.flatMap((verb) => resourceNames.map((name) => rightOf(verb, group, resource, name))),
        ),
      ),
    );
}

/** The rights that a request made use of: without its object's name, and with it. */
export function exercisedRights({ verb, objectRef, responseStatus }: AuditedAccess): string[] {
  if (!objectRef) return [];
  const { apiGroup = '', resource, subresource, name = '' } = objectRef;
  // A server-side apply that creates is asked for both, and logged as the patch that it is.
  const verbs = verb === 'patch' && responseStatus?.code === 201 ? ['patch', 'create'] : [verb];
  const path = subresource ? `${resource}/${subresource}` : resource;
  return verbs.flatMap((each) => [
    rightOf(each, apiGroup, path, ''),
    ...(name ? [rightOf(each, apiGroup, path, name)] : []),
  ]);
}

const REFUSAL = /cannot (\S+) resource/;

/** The right that a request was refused for the lack of. What is forbidden by a quota, or in a namespace that goes, is no such refusal. */
export function refusedRight({ objectRef, responseStatus, ...access }: AuditedAccess): string | undefined {
  const verb = responseStatus?.code === 403 ? REFUSAL.exec(responseStatus.message ?? '')?.[1] : undefined;
  if (verb === undefined || !objectRef) return undefined;
  return exercisedRights({ ...access, verb, objectRef }).at(-1);
}

function rightOf(verb: string, group: string, path: string, name: string): string {
  const [resource = '', subresource] = path.split('/');
  const what = `${group ? `${resource}.${group}` : resource}${subresource ? `/${subresource}` : ''}`;
  return `${verb} ${what}${name ? ` ${name}` : ''}`;
}
