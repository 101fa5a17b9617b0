/** Every field of the API on a real API server: illegal values are refused in words, legal ones act. The cases are in the files beside this one. */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestCluster, type TestCluster } from '../../../controllers/testing/cluster.ts';
import { startWorld, type World } from '../../../controllers/testing/world.ts';
import { isConditionTrue, type Condition, type KubeObject, type Resource } from '../../../runtime/index.ts';
import { Migrations, OrderPlatforms, SeedJobs } from '../objects.ts';
import type { KindName, LegalChange } from './cases.ts';
import { FIELD_CASES } from './index.ts';
import { madeFrom, type Made } from './made.ts';
import { sampleWith, withField } from './paths.ts';
import { SAMPLES } from './samples.ts';
import { createPlatforms, surround } from './surroundings.ts';

const RESOURCES = { OrderPlatform: OrderPlatforms, Migration: Migrations, SeedJob: SeedJobs } as unknown as Record<
  KindName,
  Resource
>;
const KIND_NAMES = Object.keys(FIELD_CASES) as KindName[];
const USER = { fieldManager: 'user' };
const PATIENCE_MS = 300_000;

let cluster: TestCluster;
let world: World;
/** What became of each legal change, by kind and path: all are made at once, and each is asked for by a test of its own. */
const changes = new Map<string, Promise<void>>();

beforeAll(async () => {
  cluster = await startTestCluster();
  world = await startWorld(cluster.client);
  cluster.startOperator();
  for (const [sample, spec] of Object.entries(SAMPLES.OrderPlatform)) changePlatforms(sample, spec);
  const namespace = await newNamespace();
  await createPlatforms(cluster.client, namespace);
  for (const kind of ['Migration', 'SeedJob'] as const) {
    for (const [path, legal] of changesOf(kind)) {
      const name = `${kind.toLowerCase()}-${changes.size}`;
      begin(kind, path, () => changeObject(kind, path, legal, { namespace, name }));
    }
  }
}, 120_000); // prettier-ignore

afterAll(async () => {
  await Promise.allSettled(changes.values());
  await world?.stop();
  await cluster?.stop();
}, 120_000);

describe.each(KIND_NAMES)('%s', (kind) => {
  const cases = Object.entries(FIELD_CASES[kind].cases);
  const illegal = cases.flatMap(([path, field]) => field.illegal.map(([value, says]) => [path, shown(value), value, says] as const));

  test.each(illegal)('%s may not be %s', async (path, _, value, says) => {
    const { spec } = sampleWith(SAMPLES[kind], path, value);
    const object = { metadata: { name: 'illegal', namespace: 'default' }, spec };
    await expect(cluster.client.create(RESOURCES[kind], object, { dryRun: true })).rejects.toThrow(says);
  });

  test.each(changesOf(kind).map(([path, { to }]) => [path, shown(to)] as const))('%s acts when it is %s', async (path) => {
    await changes.get(`${kind} ${path}`);
  }, PATIENCE_MS);
}); // prettier-ignore

/** The legal changes of a kind, by path; what takes more than an edit is shown by other tests. */
function changesOf(kind: KindName): [string, LegalChange][] {
  return Object.entries(FIELD_CASES[kind].cases).flatMap(([path, { legal }]) => ('shownBy' in legal ? [] : [[path, legal]]));
} // prettier-ignore

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function begin(kind: KindName, path: string, work: () => Promise<void>): void {
  const change = work();
  change.catch(() => {});
  changes.set(`${kind} ${path}`, change);
}

async function newNamespace(): Promise<string> {
  const namespace = await cluster.namespace();
  await surround(cluster.client, namespace);
  return namespace;
}

interface At {
  namespace: string;
  name: string;
}

const put = (kind: KindName, { namespace, name }: At, spec: object) =>
  cluster.client.apply(RESOURCES[kind], { metadata: { name, namespace }, spec } as KubeObject, USER);

const made = (kind: KindName, { namespace, name }: At): Made =>
  madeFrom(() => world.objects(namespace), { kind, name });

function changed(spec: object, path: string, { to, along = {} }: LegalChange): object {
  return Object.entries(along).reduce((so, [other, value]) => withField(so, other, value, true) ?? so, withField(spec, path, to) ?? spec);
} // prettier-ignore

const TURNS = 3;
const turns = Array.from({ length: TURNS }, () => Promise.resolve());
let taken = 0;

/** So many whole platforms at a time: more would only hold each other up. */
function inTurn(work: () => Promise<void>): Promise<void> {
  const turn = taken++ % TURNS;
  const done = turns[turn]!.then(work);
  turns[turn] = done.catch(() => {});
  return done;
}

/** One platform a sample for what can change together; one more for each field that needs one. */
function changePlatforms(sample: string, spec: object): void {
  const own = changesOf('OrderPlatform').filter(([path]) => sampleWith(SAMPLES.OrderPlatform, path, undefined).sample === sample);
  if (own.length === 0) return;
  const together = own.filter(([, { when = 'together' }]) => when === 'together');
  const update = newNamespace().then(async (namespace) => {
    const shop = { namespace, name: 'shop' };
    await put('OrderPlatform', shop, spec);
    await ready('OrderPlatform', shop);
    for (const [path, legal] of own) expectUnseen(path, legal, made('OrderPlatform', shop));
    await put('OrderPlatform', shop, together.reduce((so, [path, legal]) => changed(so, path, legal), spec));
    return shop;
  });
  for (const [path, legal] of together) begin('OrderPlatform', path, async () => seen('OrderPlatform', path, legal, await update));
  for (const [path, legal] of own.filter((each) => !together.includes(each))) {
    const change = async () => {
      const shop = { namespace: await newNamespace(), name: 'shop' };
      if (legal.when === 'alone') {
        await put('OrderPlatform', shop, spec);
        await ready('OrderPlatform', shop);
      }
      await put('OrderPlatform', shop, changed(spec, path, legal));
      await seen('OrderPlatform', path, legal, shop);
      await cluster.client.delete(OrderPlatforms, shop);
    };
    // After the comparison with what was there before.
    begin('OrderPlatform', path, () => update.then(() => inTurn(change)));
  }
} // prettier-ignore

async function changeObject(kind: KindName, path: string, legal: LegalChange, at: At): Promise<void> {
  const { sample } = sampleWith(SAMPLES[kind], path, undefined);
  const spec = SAMPLES[kind][sample]!;
  await put(kind, at, spec);
  await ready(kind, at);
  expectUnseen(path, legal, made(kind, at));
  const after = legal.when === 'onCreation' ? { ...at, name: `${at.name}-anew` } : at;
  await put(kind, after, changed(spec, path, legal));
  await seen(kind, path, legal, after);
}

type Conditioned = KubeObject & { status?: { conditions?: { type: string; status: string }[] } };

/** Nobody serves the Ingress here: a platform has come as far as it can with its services. */
const READY: Readonly<Record<KindName, string>> = {
  OrderPlatform: 'ServicesAvailable',
  Migration: 'Ready',
  SeedJob: 'Ready',
};

function ready(kind: KindName, { namespace, name }: At): Promise<true> {
  const conditions = () => world.get<Conditioned>(kind, namespace, name)?.status?.conditions as Condition[] | undefined;
  return world.until(
    namespace,
    `${kind} ${name} is ready`,
    () => isConditionTrue(conditions(), READY[kind]) && true,
    () => (conditions() ?? []).map(({ type, status, message }) => `${type} ${status}: ${message}`).join('\n'),
  );
}

/** What could be seen before would prove nothing after. */
function expectUnseen(path: string, legal: LegalChange, before: Made): void {
  if (isSeen(legal.acts(before), legal.becomes))
    throw new Error(`${path}: ${shown(legal.becomes)} is there before the change: choose another value for \`to\``);
}

async function seen(kind: KindName, path: string, legal: LegalChange, at: At): Promise<void> {
  const acts = () => legal.acts(made(kind, at));
  await world.until(
    at.namespace,
    `${path}: ${shown(legal.to)} acts as ${shown(legal.becomes)}`,
    () => isSeen(acts(), legal.becomes),
    () => `instead: ${shown(acts())}, and Ready says ${made(kind, at).says('Ready')}`,
  );
}

function isSeen(found: unknown, wanted: unknown): boolean {
  if (typeof wanted === 'string') return typeof found === 'string' && found.includes(wanted);
  return isDeepStrictEqual(found, wanted);
}
