/** What `status` and `why` look at, in one round of requests. */
import type { Migration, OrderPlatform, SeedJob } from '../../api/v1alpha1/index.ts';
import type { Client } from '../../runtime/client.ts';
import { isForbidden, isNotFound } from '../../runtime/errors.ts';
import { Deployments } from '../../runtime/known-resources.ts';
import { defineResource } from '../../runtime/resource.ts';
import { firstAnswer } from '../cluster.ts';

// The kinds without their schemas: those take a tenth of a second to load.
const API_VERSION = 'orderplane.dev/v1alpha1';
export const OrderPlatforms = defineResource<OrderPlatform>(API_VERSION, 'OrderPlatform', 'orderplatforms');
export const Migrations = defineResource<Migration>(API_VERSION, 'Migration', 'migrations');
export const SeedJobs = defineResource<SeedJob>(API_VERSION, 'SeedJob', 'seedjobs');

/** Whether somebody keeps the status current; `unknown` to who may not look. */
export type OperatorState = 'running' | 'down' | 'missing' | 'unknown';

export interface Snapshot {
  platform: OrderPlatform;
  migrations: Migration[];
  seedJobs: SeedJob[];
  operator: OperatorState;
}

/** Every platform of a namespace (of all of them without one), with what works on its stores. */
export async function takeSnapshots(client: Client, namespace: string | undefined): Promise<Snapshot[]> {
  const options = { namespace, ...firstAnswer() };
  const [platforms, migrations, seedJobs, operator] = await Promise.all([
    client.list(OrderPlatforms, options),
    client.list(Migrations, options),
    client.list(SeedJobs, options),
    operatorState(client),
  ]);
  return platforms.items.map((platform) => {
    const isOfPlatform = ({ metadata, spec }: Migration | SeedJob) =>
      metadata.namespace === platform.metadata.namespace && spec.platformRef?.name === platform.metadata.name;
    return {
      platform,
      migrations: migrations.items.filter(isOfPlatform),
      seedJobs: seedJobs.items.filter(isOfPlatform),
      operator,
    };
  });
}

const OPERATOR = { namespace: 'orderplane-system', name: 'orderplane-operator' };

async function operatorState(client: Client): Promise<OperatorState> {
  try {
    const deployment = await client.get(Deployments, OPERATOR, firstAnswer());
    if (!deployment) return 'missing';
    return (deployment.status?.availableReplicas ?? 0) > 0 ? 'running' : 'down';
  } catch (error) {
    if (isForbidden(error) || isNotFound(error)) return 'unknown';
    throw error;
  }
}

/** The platform of that name, or the only one; throws with the names that there are. */
export async function takeSnapshot(
  client: Client,
  { namespace, name }: { namespace: string; name: string | undefined },
): Promise<Snapshot> {
  const found = await takeSnapshots(client, namespace);
  const wanted = name === undefined && found.length === 1 ? found[0] : found.find(({ platform }) => platform.metadata.name === name); // prettier-ignore
  if (wanted) return wanted;
  if (name === undefined && found.length > 1) {
    const names = found.map(({ platform }) => platform.metadata.name);
    throw new Error(`namespace ${namespace} has several platforms: choose one of ${names.join(', ')}`);
  }
  throw await nothingFound(client, namespace, name, found);
}

/** Says where platforms are, when they are not where they were looked for. */
export async function nothingFound(
  client: Client,
  namespace: string,
  name: string | undefined,
  here: readonly Snapshot[] = [],
): Promise<Error> {
  const what = name === undefined ? 'no OrderPlatform' : `no OrderPlatform "${name}"`;
  if (here.length > 0) {
    const names = here.map(({ platform }) => platform.metadata.name);
    return new Error(`there is ${what} in namespace ${namespace}: it has ${names.join(', ')}`);
  }
  const elsewhere = await client.list(OrderPlatforms, firstAnswer()).then(
    ({ items }) => items.map(({ metadata }) => `${metadata.name} -n ${metadata.namespace}`),
    () => [],
  );
  const advice = elsewhere.length > 0 ? `: try ${elsewhere.slice(0, 5).join(', or ')}` : ', nor in any other';
  return new Error(`there is ${what} in namespace ${namespace}${advice}`);
}
