export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** metav1.Condition on the wire. */
export interface Condition {
  type: string;
  status: ConditionStatus;
  reason: string;
  message: string;
  observedGeneration?: number;
  lastTransitionTime: string;
}

export type ConditionUpdate = Omit<Condition, 'lastTransitionTime'>;

/**
 * The list with one condition set; the input is not changed. `lastTransitionTime` moves only when the status does, and a
 * condition keeps its place, so that an unchanged status compares equal.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  update: ConditionUpdate,
  now: Date,
): Condition[] {
  const list = conditions ?? [];
  const previous = findCondition(list, update.type);
  const lastTransitionTime = previous?.status === update.status ? previous.lastTransitionTime : toKubeTime(now);
  const next = { ...update, lastTransitionTime };
  return previous ? list.map((condition) => (condition === previous ? next : condition)) : [...list, next];
}

/** The list without the condition of that type. */
export function removeCondition(conditions: readonly Condition[] | undefined, type: string): Condition[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

export function findCondition<C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Works on any list of conditions, those of Pods and Deployments included. */
export function isConditionTrue(
  conditions: readonly { type: string; status: string }[] | undefined,
  type: string,
): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/** metav1.Time: seconds, no fraction. */
export function toKubeTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
