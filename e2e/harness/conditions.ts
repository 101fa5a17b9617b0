import { findCondition, type Condition, type KubeObject } from '@orderplane/operator/runtime/index.ts';

interface WithConditions extends KubeObject {
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

export function conditionOf(object: KubeObject | undefined, type: string): Condition | undefined {
  return findCondition((object as WithConditions | undefined)?.status?.conditions, type);
}

/** The condition has that status, and was found for the object as it is now. */
export function holds(object: KubeObject | undefined, type: string, status: Condition['status'] = 'True'): boolean {
  const condition = conditionOf(object, type);
  const { generation } = object?.metadata ?? {};
  return condition?.status === status && (object as WithConditions).status?.observedGeneration === generation;
}

/** `StoresReady=False/Waiting (…)`, every condition on a line of its own. */
export function describeConditions(object: KubeObject | undefined): string {
  if (!object) return 'the object is not there';
  const conditions = (object as WithConditions).status?.conditions ?? [];
  const lines = conditions.map(({ type, status, reason, message }) => `  ${type}=${status}/${reason} (${message})`);
  return `${object.metadata.name}\n${lines.join('\n') || '  no conditions'}`;
}
