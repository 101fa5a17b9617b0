/** A migration by a Job in a process of its own, which is killed, alone or with its server, or loses its connection or an answer at one of its requests. */
import { isDeepStrictEqual } from 'node:util';
import { runAll } from './run-all.ts';
import { jobGroup, sourceFolder, type SpawnedJob } from '../testing/run-job.ts';
import { isByTheClock, startWireGate, type WireFault, type WireGate } from '../testing/wire-gate.ts';
import type { LockFreed, Store, Target } from './stores.ts';

/** What an undisturbed migration sends, and comes to. */
export interface Model {
  requests: WireGate['requests'];
  content: unknown;
}

export const MIGRATION_FAULTS = ['killed', 'cut', 'answerLost', 'nodeKilled'] as const satisfies WireFault['kind'][];

export const titleOf = ({ kind, at, occurrence }: WireFault): string => `${kind} at "${at}" #${occurrence}`;

export async function undisturbedMigration(store: Store): Promise<Model> {
  return onTarget(store, undefined, async (target, gate, start) => {
    await succeed(await start('model', gate.uriOf(store.uri)));
    return { requests: [...gate.requests], content: await target.content() };
  });
}

/** Every fault at every request. */
export function faultsOf(model: Model): WireFault[] {
  return model.requests.flatMap(({ at, occurrence }) => MIGRATION_FAULTS.map((kind) => ({ kind, at, occurrence })));
}

/** What was wrong with a migration in which this fault struck; undefined when nothing was. */
export async function migrateThrough(store: Store, model: Model, fault: WireFault): Promise<Outcome> {
  return onTarget(store, fault, async (target, gate, start) => {
    const job = await start('first', gate.uriOf(store.uri));
    await Promise.race([gate.struck, job.exited]);
    if (!gate.hasStruck() && !isByTheClock(fault))
      return { wrong: `the Job ended before that request: ${(await job.exited).result}` };
    const isOver = gate.hasStruck() && fault.kind === 'nodeKilled';
    const isKilled = gate.hasStruck() && fault.kind === 'killed';
    if (isOver) await killNode(job, store);
    const freed = isKilled ? await kill(job, target) : undefined;
    const freeAfterMs = freed?.afterMs;
    if (freed && freed.afterMs > store.lockFreeWithinMs + HELD_UP * freed.lookMs)
      return {
        freeAfterMs,
        wrong: `the lock was free after ${freed.afterMs} ms, and a look at it took ${freed.lookMs} ms`,
      };
    // Who was killed is followed by another; who lost a connection goes on.
    const last = isKilled || isOver ? await start('second', gate.uriOf(store.uri)) : job;
    const { code, result } = await last.exited;
    if (code !== 0) return { freeAfterMs, wrong: result };
    const repeated = writesOf(gate.requests).length - writesOf(model.requests).length;
    if (repeated > 1)
      return { freeAfterMs, wrong: `${repeated} writes were repeated:\n${writesOf(gate.requests).join('\n')}` };
    const content = await target.content();
    if (isDeepStrictEqual(content, model.content)) return { freeAfterMs };
    return { freeAfterMs, wrong: `came to\n${JSON.stringify(content)}\nand not to\n${JSON.stringify(model.content)}` };
  });
}

/**
 * A promise of two seconds is one for a machine that has time. On one that has none the server is held up several times between a kill and a free
 * lock, each time for about as long as whoever looks.
 */
const HELD_UP = 5;

export interface Outcome {
  wrong?: string;
  /** Of a killed Job: how long its lock outlived it. */
  freeAfterMs?: number | undefined;
}

/** Goes through faults, several at a time, but for those that hit everybody at the server; what each came to is told as it ends. */
export async function migrateThroughAll(
  store: Store,
  model: Model,
  faults: readonly WireFault[],
  onEnd: (fault: WireFault, outcome: Outcome) => void,
): Promise<void> {
  const goThrough = async (fault: WireFault) => {
    const outcome = await migrateThrough(store, model, fault).catch((error: unknown) => ({ wrong: String(error) }));
    onEnd(fault, outcome);
  };
  const [alone, together] = [true, false].map((is) => faults.filter(({ kind }) => (kind === 'nodeKilled') === is));
  await runAll(together ?? [], goThrough);
  await runAll(alone ?? [], goThrough, 1);
}

async function killNode(job: SpawnedJob, store: Store): Promise<void> {
  job.process.kill('SIGKILL');
  await Promise.all([store.crash(), job.exited]);
}

async function kill(job: SpawnedJob, target: Target): Promise<LockFreed> {
  const killedAt = Date.now();
  job.process.kill('SIGKILL');
  const freed = await target.lockFree(killedAt);
  await job.exited;
  return freed;
}

/** Statements that change people's documents, on MongoDB: what a transaction would have undone. */
function writesOf(requests: WireGate['requests']): string[] {
  const names = requests.map(({ at }) => at);
  return names.filter((at) =>
    /^(create|createIndexes|drop|dropIndexes|renameCollection|update) (?!orderplane_|.* )/.test(at),
  );
}

type Start = (run: string, uri: string) => Promise<SpawnedJob>;

/** Makes a database, a gate and a folder of files, and takes them away after. */
export async function onTarget<T>(
  store: Store,
  fault: WireFault | undefined,
  work: (target: Target, gate: WireGate, start: Start) => Promise<T>,
): Promise<T> {
  const target = await store.newTarget();
  const gate = await startWireGate(store.engine, store.port, fault);
  const source = await sourceFolder(store.files);
  const jobs = jobGroup();
  const start: Start = (run, uri) => {
    const policy = { destructive: 'Allow' };
    const input = {
      engine: store.engine,
      database: target.database,
      source: { dir: source.dir },
      baseline: '0',
      policy,
      run,
    };
    return jobs.spawn('migrate', input, { ADMIN_URI: uri });
  };
  try {
    return await work(target, gate, start);
  } finally {
    await jobs.end();
    await gate.close();
    await source.remove();
    await target.drop();
  }
}

export async function succeed(job: SpawnedJob): Promise<void> {
  const { code, result } = await job.exited;
  if (code !== 0) throw new Error(`the Job failed: ${result}`);
}
