/** What somebody could do to an object of a platform, and whether it has been put right. Which objects there are is for the operator to say. */
import { isDeepStrictEqual } from 'node:util';
import { isDeleting, type Client, type KubeObject, type Resource } from '../../runtime/index.ts';
import type { World } from '../testing/world.ts';

export interface Damage {
  title: string;
  /** Does it, and resolves once it is done. */
  strike(client: Client, resource: Resource, object: KubeObject): Promise<unknown>;
  /** Whether an object is as it was before. */
  isRepaired(before: KubeObject, now: KubeObject | undefined): boolean;
}

type Fields = Record<string, unknown>;

/** An edit of what a kind is about, as a merge patch. */
const EDITS: Readonly<Record<string, (object: KubeObject) => object>> = {
  Deployment: () => ({ spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } }),
  StatefulSet: () => ({ spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } }),
  Service: () => ({ spec: { ports: [{ name: 'foreign', port: 9, targetPort: 9 }] } }),
  ServiceAccount: () => ({ automountServiceAccountToken: true }),
  NetworkPolicy: () => ({ spec: { podSelector: { matchLabels: { foreign: 'yes' } } } }),
  Ingress: () => ({ spec: { ingressClassName: 'foreign' } }),
  Migration: () => ({ spec: { source: { release: 'another' } } }),
  Secret: (object) => ({ data: { [Object.keys((object as { data?: Fields }).data ?? {}).find((key) => key === 'uri') ?? 'nats.conf']: 'Zm9yZWlnbg==' } }),
}; // prettier-ignore

/** Kinds and names that are left as they are found, and why. */
const LEFT_ALONE: readonly { matches: (kind: string, name: string) => boolean; delete?: string; edit?: string }[] = [
  {
    matches: (kind) => kind === 'Job' || kind === 'ConfigMap',
    delete: 'a run that has ended is not repeated',
    edit: 'it is the record of a run',
  },
  {
    matches: (kind) => kind === 'ControllerRevision',
    edit: 'the API server lets nobody edit the template in it',
  },
  {
    matches: (kind, name) => kind === 'Secret' && name.endsWith('-mongo-admin'),
    delete: 'a new password would not open the data: CredentialsLost says what to do',
  },
  {
    matches: (kind, name) => kind === 'Secret' && name.endsWith('-verification'),
    edit: 'it holds a key that nothing else tells',
  },
];

/** Kinds of which nothing is put right: they tell of something that was. */
const RECORDS: ReadonlySet<string> = new Set(['Job', 'ConfigMap']);

const mutate = (patch: (object: KubeObject) => object) => (client: Client, resource: Resource, object: KubeObject) =>
  client.mergePatch(resource, { namespace: object.metadata.namespace ?? '', name: object.metadata.name }, patch(object), {
    fieldManager: 'somebody',
  }); // prettier-ignore

/** Labels are what objects are found by. */
const OWN_LABEL = 'app.kubernetes.io/part-of';

/** All that can happen to an object; throws for a kind that nobody has thought of yet. */
export function damagesOf({ kind = '', metadata: { name } }: KubeObject): Damage[] {
  const exceptions = LEFT_ALONE.filter(({ matches }) => matches(kind, name));
  const mayDelete = !exceptions.some((exception) => exception.delete);
  const mayEdit = !exceptions.some((exception) => exception.edit);
  const edit = EDITS[kind];
  if (mayEdit && !edit)
    throw new Error(`somebody may edit a ${kind}, and it has to be put right: add an edit of it to EDITS in damage.ts`);
  return [
    ...(mayEdit && edit ? [{ title: `${kind} ${name}, edited`, strike: mutate(edit), isRepaired: saysTheSame(edit) }] : []),
    ...(RECORDS.has(kind) ? [] : [relabelled(kind, name)]),
    ...(mayDelete ? [deleted(kind, name)] : []),
  ];
} // prettier-ignore

function relabelled(kind: string, name: string): Damage {
  const edit = () => ({ metadata: { labels: { [OWN_LABEL]: null } } });
  return { title: `${kind} ${name}, relabelled`, strike: mutate(edit), isRepaired: saysTheSame(edit) };
}

function deleted(kind: string, name: string): Damage {
  return {
    title: `${kind} ${name}, deleted`,
    strike: (client, resource, { metadata: { namespace = '' } }) => client.delete(resource, { namespace, name }),
    isRepaired: (before, now) => now !== undefined && now.metadata.uid !== before.metadata.uid && !isDeleting(now),
  };
}

/** Whether all that the edit touched is as before. */
function saysTheSame(edit: (object: KubeObject) => object): Damage['isRepaired'] {
  return (before, now) => now !== undefined && isDeepStrictEqual(touched(edit(before), now), touched(edit(before), before));
} // prettier-ignore

function touched(patch: object, object: unknown): unknown {
  const fields = Object.entries(patch).map(([field, value]) => {
    const found = (object as Fields | undefined)?.[field];
    const isTree = typeof value === 'object' && value !== null && !Array.isArray(value);
    return [field, isTree ? touched(value, found) : found];
  });
  return Object.fromEntries(fields);
}

/** Far above what is promised, so that a repair that comes late is told apart from one that never comes. */
const PATIENCE_MS = 15_000;

/** Does it, and waits until it is put right; how long that took, in milliseconds. */
export async function repairTime(client: Client, world: World, damage: Damage, at: { resource: Resource; object: KubeObject }): Promise<number> {
  const { resource, object } = at;
  const { namespace = '', name } = object.metadata;
  const now = () => world.get(resource.kind, namespace, name);
  const version = object.metadata.resourceVersion;
  await damage.strike(client, resource, object);
  const started = performance.now();
  await world.until(
    namespace,
    `${damage.title} is put right`,
    () => now()?.metadata.resourceVersion !== version && damage.isRepaired(object, now()),
    now,
    PATIENCE_MS,
  );
  return performance.now() - started;
} // prettier-ignore
