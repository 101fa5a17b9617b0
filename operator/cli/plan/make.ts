/** Puts what is to be applied into a world, and lets the operator act on it. */
import { OrderPlatforms } from '../../api/v1alpha1/objects.ts';
import type { Client } from '../../runtime/client.ts';
import { unlessForbidden } from '../../runtime/errors.ts';
import { Namespaces } from '../../runtime/known-resources.ts';
import { keyOf, keyToString, type KubeObject } from '../../runtime/resource.ts';
import { firstAnswer, type ClusterAccess } from '../cluster.ts';
import { readManifests, refuseInvalid } from '../rehearsal/manifests.ts';
import { placeAll } from '../rehearsal/place.ts';
import { openRehearsal, type Rehearsal } from '../rehearsal/rehearse.ts';
import type { World, Written } from '../rehearsal/world.ts';
import { nothingFound, takeSnapshot } from '../status/snapshot.ts';
import { changesOf, inReadingOrder } from './changes.ts';
import { catalogueWith, operatorOf } from './images.ts';
import { placeStandIns } from './stand-ins.ts';
import type { Plan } from './report.ts';

export interface PlanInput {
  name: string | undefined;
  files: readonly string[];
  imagesFile: string | undefined;
}

/** What the operator would do to the live platforms: by itself, or once the files were applied. */
export async function planOnline(cluster: ClusterAccess, { name, files, imagesFile }: PlanInput): Promise<Plan[]> {
  const { client, context, namespace } = cluster;
  const { catalogue, namespaces, notes } = await operatorOf(client, imagesFile);
  const objects = await readManifests(files, namespace);
  refuseInvalid(objects);
  const targets = platformsIn(objects, name);
  if (files.length === 0) {
    const { platform } = await takeSnapshot(client, { namespace, name });
    targets.push(keyOf(platform));
  } else if (targets.length === 0) {
    targets.push(...(await platformsWorkedOn(client, objects, name)));
  }
  const plans: Plan[] = [];
  for (const target of targets) {
    // Who may not look at namespaces has been given one.
    const exists = (await unlessForbidden(client.get(Namespaces, { namespace: '', name: target.namespace }, firstAnswer()))) !== undefined; // prettier-ignore
    const signal = AbortSignal.timeout(120_000);
    const rehearsal = await openRehearsal({
      live: client,
      canDryRun: exists,
      namespace: target.namespace,
      catalogue,
      signal,
    });
    const ignored = await placeAll(rehearsal.world, objects, exists ? client : undefined);
    const missing = exists ? [] : [`namespace ${target.namespace} does not exist yet, so the API server was not asked`];
    const plan = await settled(rehearsal, target, `against the cluster of context ${context}`);
    const outside = namespaces && !namespaces.includes(target.namespace) ? [`the operator has rights in ${namespaces.join(', ')} only: it will not act in namespace ${target.namespace} (orderplane install --namespaces)`] : []; // prettier-ignore
    plans.push({ ...plan, notes: [...notes, ...outside, ...missing, ...ignored, ...plan.notes] });
  }
  return plans;
}

/** What the operator would do about the files alone, beginning with nothing or with other files. */
export async function planOffline(input: PlanInput & { from: readonly string[]; namespace: string }): Promise<Plan[]> {
  const { name, files, from, imagesFile, namespace } = input;
  const catalogue = await catalogueWith(imagesFile);
  const [objects, beginning] = [await readManifests(files, namespace), await readManifests(from, namespace)];
  refuseInvalid([...beginning, ...objects]);
  const targets = platformsIn(objects, name);
  if (targets.length === 0) throw new Error('the files have no OrderPlatform');
  const plans: Plan[] = [];
  for (const target of targets) {
    const signal = AbortSignal.timeout(120_000);
    const base = { namespace: target.namespace, catalogue, signal };
    let rehearsal = await openRehearsal(base);
    if (beginning.length > 0) {
      await placeAll(rehearsal.world, beginning);
      placeStandIns(rehearsal.world, target);
      await rehearsal.settle(target);
      rehearsal = await openRehearsal({
        ...base,
        live: snapshotClient(rehearsal.world),
        canDryRun: false,
        isOffline: true,
      });
    }
    const ignored = await placeAll(rehearsal.world, objects);
    const standIns = placeStandIns(rehearsal.world, target);
    const against = beginning.length > 0 ? `offline, from ${from.join(', ')}` : 'offline, from nothing';
    const plan = await settled(rehearsal, target, against);
    const unchecked = 'rules on changes, such as immutable fields, are only known to an API server';
    plans.push({ ...plan, notes: [...ignored, ...standIns, unchecked, ...plan.notes] });
  }
  return plans;
}

/** Everything that the operator would write for the files, in its order, as it would stand in the end. */
export async function renderFiles(input: {
  files: readonly string[];
  namespace: string;
  imagesFile: string | undefined;
}): Promise<{ objects: KubeObject[]; notes: string[] }> {
  const given = await readManifests(input.files, input.namespace);
  refuseInvalid(given);
  const targets = platformsIn(given, undefined);
  if (targets.length === 0) throw new Error('the files have no OrderPlatform');
  const catalogue = await catalogueWith(input.imagesFile);
  const objects: KubeObject[] = [];
  const notes: string[] = [];
  for (const target of targets) {
    const { world, settle } = await openRehearsal({ namespace: target.namespace, catalogue, signal: AbortSignal.timeout(120_000) }); // prettier-ignore
    await placeAll(world, given);
    notes.push(...placeStandIns(world, target));
    const { ready, message, faults } = await settle(target);
    if (!ready) notes.push(`OrderPlatform ${target.name} would not be Ready, so something may be missing: ${message}`);
    notes.push(...faults);
    const written = world.written.toSorted((a, b) => inReadingOrder(described(a), described(b)));
    for (const { resource, key } of written)
      objects.push(...[await world.read(resource, key)].filter((object) => object !== undefined));
  }
  return { objects, notes };
}

const described = ({ step, resource, key }: Written) => ({ step, kind: resource.kind, name: key.name });

async function settled(
  { world, settle }: Rehearsal,
  target: { namespace: string; name: string },
  against: string,
): Promise<Plan> {
  const { ready, message, faults } = await settle(target);
  const { changes, runs } = await changesOf(world);
  const notes = [...world.doubts, ...faults];
  return { ...target, against, changes, runs, ready, ...(!ready && { waitsFor: message }), notes };
}

function platformsIn(objects: readonly KubeObject[], name: string | undefined) {
  const found = objects.filter(({ kind }) => kind === OrderPlatforms.kind).map(keyOf);
  if (name === undefined) return found;
  const named = found.filter((key) => key.name === name);
  if (found.length > 0 && named.length === 0)
    throw new Error(`the files have no OrderPlatform "${name}": they have ${found.map(keyToString).join(', ')}`);
  return named;
}

/** The platforms that Migrations and SeedJobs of the files are for. */
async function platformsWorkedOn(client: Client, objects: readonly KubeObject[], name: string | undefined) {
  const named = objects.flatMap((object) => {
    const { platformRef } = (object as { spec?: { platformRef?: { name: string } } }).spec ?? {};
    const platform = platformRef?.name ?? name;
    return platform ? [{ namespace: object.metadata.namespace ?? '', name: platform }] : [];
  });
  const unique = [...new Map(named.map((key) => [keyToString(key), key])).values()];
  if (unique.length === 0) throw new Error('the files have nothing that the operator acts on');
  for (const { namespace, name: wanted } of unique) {
    if (!(await client.get(OrderPlatforms, { namespace, name: wanted }, firstAnswer())))
      throw await nothingFound(client, namespace, wanted);
  }
  return unique;
}

/** Reads a world as if it were a live cluster. */
function snapshotClient(world: World): Client {
  const reads: Pick<Client, 'get' | 'list'> = {
    get: (resource, key) => world.read(resource, key),
    list: (resource, { labelSelector } = {}) =>
      Promise.resolve({ items: world.find(resource, labelSelector), resourceVersion: '' }),
  };
  return reads as Client;
}
