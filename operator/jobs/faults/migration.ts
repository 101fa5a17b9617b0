/** A migration by a Job in a process of its own, which is killed or loses its connection or an answer at one of its requests. */
import { isDeepStrictEqual } from 'node:util';
import { runAll } from './run-all.ts';
import { sourceFolder, spawnJob, type SpawnedJob } from '../testing/run-job.ts';
import { startWireGate, type WireFault, type WireGate } from '../testing/wire-gate.ts';
import type { Store, Target } from './stores.ts';

/** What an undisturbed migration sends, and comes to. */
export interface Model {
  requests: WireGate['requests'];
  content: unknown;
}

export type FaultKind = Extract<WireFault['kind'], 'killed' | 'cut' | 'answerLost'>;
const KINDS: readonly FaultKind[] = ['killed', 'cut', 'answerLost'];

export const titleOf = ({ kind, at, occurrence }: WireFault): string => `${kind} at "${at}" #${occurrence}`;

export async function undisturbedMigration(store: Store): Promise<Model> {
  return onTarget(store, undefined, async (target, gate, start) => {
    await succeed(await start('model', gate.uriOf(store.uri)));
    return { requests: [...gate.requests], content: await target.content() };
  });
}

/** Every fault at every request. */
export function faultsOf(model: Model): WireFault[] {
  return model.requests.flatMap(({ at, occurrence }) => KINDS.map((kind) => ({ kind, at, occurrence })));
}

/** What was wrong with a migration in which this fault struck; undefined when nothing was. */
export async function migrateThrough(store: Store, model: Model, fault: WireFault): Promise<Outcome> {
  return onTarget(store, fault, async (target, gate, start) => {
    const job = await start('first', gate.uriOf(store.uri));
    await Promise.race([gate.struck, job.exited]);
    if (!gate.hasStruck()) return { wrong: `the Job ended before that request: ${(await job.exited).result}` };
    const freeAfterMs = fault.kind === 'killed' ? await kill(job, target) : undefined;
    const tooLate = freeAfterMs !== undefined && freeAfterMs >= store.lockFreeWithinMs;
    if (tooLate) return { freeAfterMs, wrong: `the lock was not free after ${freeAfterMs} ms` };
    // Who was killed is followed by another; who lost a connection goes on.
    const last = fault.kind === 'killed' ? await start('second', gate.uriOf(store.uri)) : job;
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

export interface Outcome {
  wrong?: string;
  /** Of a killed Job: how long its lock outlived it. */
  freeAfterMs?: number | undefined;
}

/** Goes through faults, several at a time; what each came to is told as it ends. */
export async function migrateThroughAll(
  store: Store,
  model: Model,
  faults: readonly WireFault[],
  onEnd: (fault: WireFault, outcome: Outcome) => void,
): Promise<void> {
  await runAll(faults, async (fault) => {
    const outcome = await migrateThrough(store, model, fault).catch((error: unknown) => ({ wrong: String(error) }));
    onEnd(fault, outcome);
  });
}

async function kill(job: SpawnedJob, target: Target): Promise<number> {
  const killedAt = Date.now();
  job.process.kill('SIGKILL');
  const freeAfterMs = await target.lockFree(killedAt);
  await job.exited;
  return freeAfterMs;
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
  const jobs: SpawnedJob[] = [];
  const start: Start = async (run, uri) => {
    const policy = { destructive: 'Allow' };
    const input = {
      engine: store.engine,
      database: target.database,
      source: { dir: source.dir },
      baseline: '0',
      policy,
      run,
    };
    const job = await spawnJob('migrate', input, { ADMIN_URI: uri });
    jobs.push(job);
    return job;
  };
  try {
    return await work(target, gate, start);
  } finally {
    for (const job of jobs) job.process.kill('SIGKILL');
    await Promise.all(jobs.map((job) => job.exited));
    await gate.close();
    await source.remove();
    await target.drop();
  }
}

export async function succeed(job: SpawnedJob): Promise<void> {
  const { code, result } = await job.exited;
  if (code !== 0) throw new Error(`the Job failed: ${result}`);
}
