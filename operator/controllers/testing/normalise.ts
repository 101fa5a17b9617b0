/** Objects as they would be in any namespace, at any time: for comparing what two operators made of one spec. */
import { controllerOf, type KubeObject } from '../../runtime/index.ts';
import { stableName } from './api-gate.ts';

export type Snapshot = Record<string, unknown>;

/** What workload controllers make and count; the operator has no part in it. */
const WORKLOADS = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'Job', 'CronJob', 'DaemonSet']);
/** Made in every namespace by the control plane. */
const OF_THE_NAMESPACE = new Set(['ConfigMap/kube-root-ca.crt', 'ServiceAccount/default']);
const OWN_GROUP = 'orderplane.dev/';

/** Everything of a namespace that the operator or a user made, by `Kind/name`, without what chance and time put into it. */
export function snapshotOf(objects: readonly KubeObject[]): Snapshot {
  const present = new Set(objects.map(({ metadata }) => metadata.uid));
  const made = objects.filter((object) => {
    const owner = controllerOf(object);
    // Without its owner it is about to be garbage-collected.
    if (owner && (WORKLOADS.has(owner.kind) || !present.has(owner.uid))) return false;
    return !OF_THE_NAMESPACE.has(`${object.kind}/${object.metadata.name}`);
  });
  const entries = made.map((object) => [idOf(object), normalised(object)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** Records of templates are told apart by the hash in their names, or else by their number. */
function idOf({ kind, metadata, revision }: KubeObject & { revision?: number }): string {
  return `${kind}/${stableName(metadata.name)}${revision === undefined ? '' : ` ${revision}`}`;
}

const DROPPED_METADATA = ['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'managedFields', 'selfLink'];
/** Set by the control plane on Services and volume claims. */
const DROPPED_SPEC = ['clusterIP', 'clusterIPs', 'ipFamilies', 'volumeName'];
const DROPPED_ANNOTATIONS = /^(deployment\.kubernetes\.io|volume\.kubernetes\.io)\//;

function normalised(object: KubeObject): unknown {
  const { metadata, spec, status, ...rest } = object as KubeObject & { spec?: object; status?: object };
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([name]) => !DROPPED_ANNOTATIONS.test(name));
  const isOurs = object.apiVersion?.startsWith(OWN_GROUP);
  const kept = {
    ...rest,
    metadata: { ...without(metadata, DROPPED_METADATA), annotations: Object.fromEntries(annotations) },
    ...(spec && { spec: without(spec, DROPPED_SPEC) }),
    ...(isOurs && { status: observed(status ?? {}, metadata.generation) }),
    ...(object.kind === 'Secret' && { data: decoded(rest as { data?: Record<string, string> }) }),
  };
  return walk(kept, metadata.namespace ?? '');
}

/** Generations count edits, and so differ with the way; whether one was observed does not. */
function observed(status: object, generation: number | undefined): unknown {
  return JSON.parse(JSON.stringify(status), (field: string, value: unknown) => {
    if (field !== 'observedGeneration') return value;
    return value === generation ? 'current' : 'another';
  });
}

function decoded(secret: { data?: Record<string, string> }): Record<string, string> {
  const entries = Object.entries(secret.data ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

function without(value: object, fields: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([field]) => !fields.includes(field)));
}

/** Objects as text become objects again, so that what is in them is compared in the same way. */
function walk(value: unknown, namespace: string): unknown {
  if (Array.isArray(value)) return value.map((each) => walk(each, namespace));
  if (typeof value === 'object' && value !== null) {
    // A list that lost its last entry is left out by the API server; one that never had any is stored empty.
    const fields = Object.entries(value).filter(([, each]) => !(Array.isArray(each) && each.length === 0));
    const entries = fields.map(([field, each]) => [field, walk(each, namespace)]);
    return Object.fromEntries(entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
  }
  if (typeof value !== 'string') return value;
  if (value.startsWith('{"')) return walk(JSON.parse(value), namespace);
  return anyTime(value, namespace);
}

function anyTime(text: string, namespace: string): string {
  return stableName(text)
    .replaceAll(namespace, '<namespace>')
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uid>')
    .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
    .replaceAll(/-[0-9a-f]{8}-(\d+)\b/g, '-#-$1')
    .replaceAll(/(?<![\w-])[\w-]{32}(?![\w-])/g, '<password>')
    .replaceAll(/\b[0-9a-f]{16}\b/g, '<hash>');
}

/** Where two snapshots differ, a line for each place; empty where they are the same. */
export function snapshotDifferences(actual: unknown, expected: unknown, path = ''): string[] {
  if (Object.is(actual, expected)) return [];
  const isTree = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  if (!isTree(actual) || !isTree(expected) || Array.isArray(actual) !== Array.isArray(expected)) {
    return [`${path}: ${shown(actual)} instead of ${shown(expected)}`];
  }
  const fields = [...new Set([...Object.keys(actual), ...Object.keys(expected)])].sort();
  return fields.flatMap((field) =>
    snapshotDifferences(actual[field], expected[field], path ? `${path}.${field}` : field),
  );
}

const MAX_SHOWN = 200;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
