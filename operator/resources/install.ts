import { stringify } from 'yaml';
import { hashOf } from '../runtime/hash.ts';
import type { Deployment } from '../runtime/known-resources.ts';
import type { KubeObject } from '../runtime/resource.ts';
import type { ImageName, Releases } from './images.ts';
import { CONFIG_HASH_ANNOTATION } from './labels.ts';
import { NONROOT, restrictedContainer, restrictedPod } from './pod.ts';
import { PORTS } from './ports.ts';
import { RELEASE } from './release-images.ts';

/** Where the operator itself lives. */
export const OPERATOR_NAMESPACE = 'orderplane-system';
export const OPERATOR_NAME = 'orderplane-operator';
/** Of the Role and RoleBinding in each namespace that the operator is confined to. */
export const PLATFORM_ROLE_NAME = 'orderplane-platforms';
/** Names those namespaces to the operator, with commas between them. */
export const NAMESPACES_VARIABLE = 'WATCH_NAMESPACES';

const IMAGES_FILE = '/etc/orderplane/images.yaml';

const labels = {
  'app.kubernetes.io/name': 'orderplane-operator',
  'app.kubernetes.io/part-of': 'orderplane',
  'app.kubernetes.io/version': RELEASE,
};
const selector = { 'app.kubernetes.io/name': labels['app.kubernetes.io/name'] };

/** An object of a kind that no builder has a type for. */
type Manifest = KubeObject & Record<string, unknown>;

export interface InstallInput {
  /** Image of the operator, which its Jobs run too. */
  operatorImage: string;
  /** Images that take the place of the release's own, such as a local node's. */
  images?: Partial<Record<ImageName, string>>;
  /** Releases that platforms may ask for beside the operator's own. */
  releases?: Releases;
  /** The only namespaces that it watches, and has rights in; undefined: all. They have to exist. */
  namespaces?: readonly string[] | undefined;
}

/**
 * Everything that runs the operator, the CRDs aside: namespace, account, rights, deployment.
 * In the order in which it has to be applied.
 */
export function operatorInstallation(input: InstallInput): Manifest[] {
  return [
    namespace(),
    serviceAccount(),
    ...(input.namespaces ? namespacedRights(input.namespaces) : [clusterRole(), clusterRoleBinding()]),
    leaseRole(),
    leaseRoleBinding(),
    imagesConfigMap(input),
    deployment(input),
  ];
}

/** The namespaces that an operator's Deployment confines it to; undefined: none. */
export function confinedTo({ spec }: Deployment): readonly string[] | undefined {
  const env = spec?.template.spec?.containers[0]?.env ?? [];
  return env.find(({ name }) => name === NAMESPACES_VARIABLE)?.value?.split(',');
}

function namespace(): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: OPERATOR_NAMESPACE, labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'restricted' } },
  };
}

function serviceAccount(): Manifest {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: own() };
}

const WATCH = ['list', 'watch'];
/** Server-side apply creates by PATCH, and needs both verbs for it. */
const OWN = ['get', ...WATCH, 'create', 'patch', 'delete'];

/** What the operator may do. No wildcard; it makes no Roles, and writes no pods and no namespaces. */
function clusterRole(): Manifest {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: OPERATOR_NAME, labels },
    rules: [
      // The finalizer is patched onto the platform itself.
      { apiGroups: ['orderplane.dev'], resources: ['orderplatforms'], verbs: [...WATCH, 'patch'] },
      { apiGroups: ['orderplane.dev'], resources: ['seedjobs'], verbs: WATCH },
      { apiGroups: ['orderplane.dev'], resources: ['migrations'], verbs: OWN },
      {
        apiGroups: ['orderplane.dev'],
        resources: ['orderplatforms/status', 'migrations/status', 'seedjobs/status'],
        verbs: ['patch'],
      },
      {
        // An owner reference that holds up the owner's deletion needs this where the API server insists (OpenShift does).
        apiGroups: ['orderplane.dev'],
        resources: ['orderplatforms/finalizers', 'migrations/finalizers', 'seedjobs/finalizers'],
        verbs: ['update'],
      },
      { apiGroups: [''], resources: ['services', 'serviceaccounts'], verbs: OWN },
      // Credentials and volumes are deleted only with a platform whose deletionPolicy is Delete.
      { apiGroups: [''], resources: ['secrets'], verbs: ['get', ...WATCH, 'create', 'patch', 'delete'] },
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'delete'] },
      { apiGroups: [''], resources: ['pods'], verbs: WATCH },
      // The last words of a container that crashed.
      { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
      { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: OWN },
      // Whether they can.
      { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: ['get'] },
      // Whether the pods on it can be believed.
      { apiGroups: [''], resources: ['nodes'], verbs: ['get'] },
      // Whether a namespace is going: then there is nothing to tear down in order.
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
      { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: OWN },
      { apiGroups: ['apps'], resources: ['controllerrevisions'], verbs: OWN },
      { apiGroups: ['networking.k8s.io'], resources: ['ingresses', 'networkpolicies'], verbs: OWN },
      // Whether the class that is asked for exists.
      { apiGroups: ['networking.k8s.io'], resources: ['ingressclasses'], verbs: ['get'] },
      { apiGroups: ['monitoring.coreos.com'], resources: ['servicemonitors'], verbs: OWN },
      {
        // Whether the cluster has that kind, and when it comes.
        apiGroups: ['apiextensions.k8s.io'],
        resources: ['customresourcedefinitions'],
        resourceNames: ['servicemonitors.monitoring.coreos.com'],
        verbs: WATCH,
      },
      { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: OWN },
      { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: OWN },
      { apiGroups: ['batch'], resources: ['cronjobs'], verbs: OWN },
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', ...WATCH, 'create', 'delete'] },
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['list', 'create', 'patch'] },
    ],
  };
}

function clusterRoleBinding(): Manifest {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: OPERATOR_NAME, labels },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: OPERATOR_NAME },
    subjects: [{ kind: 'ServiceAccount', name: OPERATOR_NAME, namespace: OPERATOR_NAMESPACE }],
  };
}

/** Kinds that are in no namespace, so that no Role can let anybody see them. */
const OUTSIDE_NAMESPACES = new Set(['storageclasses', 'nodes', 'ingressclasses', 'customresourcedefinitions']);

/** The same rights in some namespaces only. What is left of the ClusterRole looks at kinds that are in none, and at nothing of anybody's. */
function namespacedRights(namespaces: readonly string[]): Manifest[] {
  const role = clusterRole();
  const rules = role.rules as { resources: readonly string[] }[];
  const isOutside = ({ resources }: (typeof rules)[number]) => resources.every((each) => OUTSIDE_NAMESPACES.has(each));
  const inNamespaces = rules.filter((rule) => !isOutside(rule));
  return [
    { ...role, rules: rules.filter(isOutside) },
    clusterRoleBinding(),
    ...namespaces.flatMap((name) => platformRights(name, inNamespaces)),
  ];
}

/** What the operator may do in one of the namespaces that it is confined to. */
function platformRights(namespace: string, rules: readonly object[]): Manifest[] {
  const metadata = { name: PLATFORM_ROLE_NAME, namespace, labels };
  return [
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: PLATFORM_ROLE_NAME },
      subjects: [{ kind: 'ServiceAccount', name: OPERATOR_NAME, namespace: OPERATOR_NAMESPACE }],
    },
  ];
}

/** What electing a leader takes, in the operator's own namespace. */
function leaseRole(): Manifest {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: own(),
    rules: [
      // A name cannot be asked for when creating.
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        resourceNames: [OPERATOR_NAME],
        verbs: ['get', 'update'],
      },
    ],
  };
}

function leaseRoleBinding(): Manifest {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: own(),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: OPERATOR_NAME },
    subjects: [{ kind: 'ServiceAccount', name: OPERATOR_NAME, namespace: OPERATOR_NAMESPACE }],
  };
}

/** What the operator deploys instead of the release's own images, and beside them. */
function imagesFile({ operatorImage, images, releases = {} }: InstallInput): object {
  const hasReleases = Object.keys(releases).length > 0;
  return { images: { ...images, operator: operatorImage }, ...(hasReleases && { releases }) };
}

function imagesConfigMap(input: InstallInput): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: own(),
    data: { 'images.yaml': stringify(imagesFile(input)) },
  };
}

function deployment(input: InstallInput): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: own(),
    spec: {
      replicas: 1,
      // The new one stands by, its caches filled, until the old one gives the lease back.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: selector },
      template: {
        // A changed file has to reach the running operator.
        metadata: { labels, annotations: { [CONFIG_HASH_ANNOTATION]: hashOf(imagesFile(input)) } },
        spec: restrictedPod(NONROOT, {
          serviceAccountName: OPERATOR_NAME,
          automountServiceAccountToken: true,
          terminationGracePeriodSeconds: 40,
          containers: [operatorContainer(input)],
          volumes: [{ name: 'images', configMap: { name: OPERATOR_NAME } }],
        }),
      },
    },
  };
}

/** Most of what a visit makes is dead at its end. In the 2 MiB that Node would choose by the memory limit, much of it would live on by then. */
export const OPERATOR_NODE_OPTIONS = '--max-semi-space-size=8';

function operatorContainer({ operatorImage, namespaces }: InstallInput) {
  const probe = (path: string) => ({ httpGet: { path, port: 'management' } });
  return restrictedContainer({
    name: 'operator',
    image: operatorImage,
    args: ['run'],
    env: [
      { name: 'ORDERPLANE_IMAGES_FILE', value: IMAGES_FILE },
      { name: 'MANAGEMENT_PORT', value: String(PORTS.management) },
      { name: 'NODE_OPTIONS', value: OPERATOR_NODE_OPTIONS },
      ...(namespaces ? [{ name: NAMESPACES_VARIABLE, value: namespaces.join(',') }] : []),
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
    ],
    ports: [{ name: 'management', containerPort: PORTS.management }],
    livenessProbe: { ...probe('/livez'), periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 2 },
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '384Mi' } },
    volumeMounts: [{ name: 'images', mountPath: '/etc/orderplane', readOnly: true }],
  });
}

function own() {
  return { name: OPERATOR_NAME, namespace: OPERATOR_NAMESPACE, labels };
}
