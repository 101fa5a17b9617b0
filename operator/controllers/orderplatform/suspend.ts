import {
  READY,
  RECONCILING,
  STALLED,
  SUSPENDED,
  type OrderPlatform,
  type OrderPlatformStatus,
} from '../../api/v1alpha1/index.ts';
import { isConditionTrue, removeCondition, setCondition } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';

/**
 * The status of a platform that is not to be acted on: what is known of it stays, its generation is not observed. Ready is Unknown,
 * because nobody looks, and because True would be about an older generation.
 */
export function suspendedStatus(
  { clock }: Pick<Deps, 'clock'>,
  { metadata, status }: OrderPlatform,
): OrderPlatformStatus {
  const observed = {
    reason: 'Suspended',
    message: 'nothing is done until spec.suspend is false again; what runs goes on running',
    observedGeneration: metadata.generation ?? 0,
  };
  const kept = [RECONCILING, STALLED].reduce(removeCondition, status?.conditions ?? []);
  const ready = setCondition(kept, { type: READY, status: 'Unknown', ...observed }, clock.now());
  return {
    ...status,
    observedGeneration: status?.observedGeneration ?? -1,
    conditions: setCondition(ready, { type: SUSPENDED, status: 'True', ...observed }, clock.now()),
  };
}

/** Says that a platform is acted on again; the visit that follows takes the condition away. */
export function recordResumption({ recorder }: Pick<Deps, 'recorder'>, object: OrderPlatform): void {
  if (!isConditionTrue(object.status?.conditions, SUSPENDED)) return;
  recorder.event(object, { type: 'Normal', reason: 'Resumed', message: 'the platform is acted on again' });
}
