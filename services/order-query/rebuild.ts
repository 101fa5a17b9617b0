import type { EventBus } from '@orderplane/shared/events/bus.ts';
import { changeOf, PROJECTED_TOPICS } from './projection.ts';
import type { ChangeTarget, OrderReadModel } from './read-model.ts';

/**
 * Builds the read model anew from all events, beside the one that serves, and puts it in its place; resolves with the number of events. Queries and projection go on
 * meanwhile: conditional changes make it no matter that both apply the same events. Until it resolves, the old or the new one may lack something:
 * a rebuild that was cut short is to be run again.
 */
export async function rebuild(options: { name: string; bus: EventBus; readModel: OrderReadModel }): Promise<number> {
  const { name, bus, readModel } = options;
  const rebuilt = await readModel.startRebuild();
  const replay = await bus.replay({ name, topics: PROJECTED_TOPICS });
  try {
    const before = await replay.catchUp((event) => applyNext(rebuilt, event));
    await rebuilt.swapIn();
    // What was projected into the old one, and acknowledged, after the replay had passed.
    const after = await replay.catchUp((event) => applyNext(readModel, event));
    return before + after;
  } finally {
    await replay.close();
  }
}

async function applyNext(target: ChangeTarget, event: Parameters<typeof changeOf>[0]): Promise<void> {
  if ((await target.apply(changeOf(event))) !== 'early') return;
  throw new Error(
    `the broker does not hold what came before version ${event.aggregateversion} of order ${event.subject}: nothing was replaced`,
  );
}
