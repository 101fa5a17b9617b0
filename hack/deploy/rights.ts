/** The rights of the operator in the namespaces that it was confined to by an installation. */
import { OPERATOR_NAME, PLATFORM_ROLE_NAME } from '@orderplane/operator/resources/install.ts';
import {
  defineResource,
  keyOf,
  type Client,
  type KubeObject,
  type Resource,
} from '@orderplane/operator/runtime/index.ts';

const RBAC = 'rbac.authorization.k8s.io/v1';
/** The binding first: without it the Role is only words. */
const KINDS: readonly Resource[] = [
  defineResource(RBAC, 'RoleBinding', 'rolebindings'),
  defineResource(RBAC, 'Role', 'roles'),
];

export interface Right {
  resource: Resource;
  object: KubeObject;
}

/** The Roles of the operator and their bindings, in namespaces other than those; with undefined, in all. */
export async function surplusRights(client: Client, namespaces: readonly string[] = []): Promise<Right[]> {
  const labelSelector = `app.kubernetes.io/name=${OPERATOR_NAME}`;
  const found: Right[] = [];
  for (const resource of KINDS) {
    const { items } = await client.list(resource, { labelSelector });
    const surplus = items.filter(
      ({ metadata }) => metadata.name === PLATFORM_ROLE_NAME && !namespaces.includes(metadata.namespace ?? ''),
    );
    found.push(...surplus.map((object) => ({ resource, object: { ...object, kind: resource.kind } })));
  }
  return found;
}

export async function removeRights(client: Client, rights: readonly Right[]): Promise<void> {
  for (const { resource, object } of rights) await client.delete(resource, keyOf(object), { uid: object.metadata.uid });
}
