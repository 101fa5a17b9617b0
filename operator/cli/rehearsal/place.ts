/** Puts what a user would apply into a world. */
import { Migrations, OrderPlatforms, SeedJobs } from '../../api/v1alpha1/objects.ts';
import type { Client } from '../../runtime/client.ts';
import { isForbidden } from '../../runtime/errors.ts';
import { ConfigMaps, Secrets } from '../../runtime/known-resources.ts';
import { keyOf, resourcePath, type KubeObject, type Resource } from '../../runtime/resource.ts';
import { firstAnswer } from '../cluster.ts';
import { statusOf, type World } from './world.ts';

/** What a user may apply that the operator reads. */
const READ: readonly Resource[] = [OrderPlatforms, Migrations, SeedJobs, Secrets, ConfigMaps];

/** Puts the objects into the world as the API server would store them; returns what was left out, in words. */
export async function placeAll(world: World, objects: readonly KubeObject[], live?: Client): Promise<string[]> {
  const ignored: string[] = [];
  for (const object of objects) {
    const resource = READ.find(({ kind, apiVersion }) => kind === object.kind && apiVersion === object.apiVersion);
    if (!resource) {
      if (object.kind !== 'Namespace')
        ignored.push(`${object.kind} ${object.metadata.name} is not the operator's business: kubectl diff shows it`);
      continue;
    }
    const before = await world.before(resource, keyOf(object));
    const stored = live ? await wouldStore(live, world, resource, object, before) : object;
    world.put(resource, { ...asRead(stored), ...statusOf(before) });
  }
  return ignored;
}

/** What the API server would store for `kubectl apply`, by a dry run: refusals come with its own words. */
async function wouldStore(
  live: Client,
  world: World,
  resource: Resource,
  object: KubeObject,
  before: KubeObject | undefined,
): Promise<KubeObject> {
  try {
    if (!before) return await live.create(resource, object, { dryRun: true, ...firstAnswer() });
    // The file becomes the spec: fields that it no longer has are gone.
    const { namespace = '', name } = object.metadata;
    const { finalizers, labels, annotations } = before.metadata;
    const metadata = {
      ...object.metadata,
      resourceVersion: before.metadata.resourceVersion,
      uid: before.metadata.uid,
      ...(finalizers && { finalizers }),
      labels: { ...labels, ...object.metadata.labels },
      annotations: { ...annotations, ...object.metadata.annotations },
    };
    const answer = await live.raw(resourcePath(resource, namespace, name), {
      method: 'PUT',
      query: { dryRun: 'All' },
      body: { ...object, metadata },
      ...firstAnswer(),
    });
    return JSON.parse(answer) as KubeObject;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    world.doubts.add(
      `you may not write ${resource.plural}, so the API server was not asked what it makes of the files`,
    );
    return object;
  }
}

/** `stringData` is a way to write a Secret, not a field of it. */
function asRead(object: KubeObject): KubeObject {
  const { stringData, ...rest } = object as KubeObject & { data?: object; stringData?: Record<string, string> };
  if (!stringData) return object;
  const encoded = Object.entries(stringData).map(([name, value]) => [name, Buffer.from(value).toString('base64')]);
  return { ...rest, data: { ...rest.data, ...Object.fromEntries(encoded) } } as KubeObject;
}
