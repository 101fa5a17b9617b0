/** Which pod template a workload gets. Pure: what is there and what is wanted in, a template and the reason out. */
import type { Connections } from '../../../resources/connections.ts';
import type { PodTemplate } from '../../../resources/pod.ts';
import type { TemplateRevision } from '../../../resources/template-revision.ts';
import { hashOf } from '../../../runtime/index.ts';

export interface PinInput {
  /** What this operator makes of the input. */
  rendered: PodTemplate;
  /** Templates that were applied before, newest first. */
  revisions: readonly TemplateRevision[];
  renderer: string;
  release: string;
  inputHash: string;
  /** What its pods are to connect to, where they are of a service. */
  connections?: Connections | undefined;
  /** Whether the platform takes what this operator makes of it, whatever ran before. */
  follows: boolean;
  /** A rollout that failed is not tried again in the same attempt. */
  attempt: string;
}

export interface PinPlan {
  /** `rendered`: as this operator has it. `kept`: as an older one had it, for the same input. `returned`: the one before, as a newer one failed. */
  kind: 'rendered' | 'kept' | 'returned';
  template: PodTemplate;
  /** As it is to be recorded, once it is applied. */
  record: TemplateRevision;
  /** Why the newer one was given up. */
  failure?: string;
}

export function planTemplate(input: PinInput): PinPlan {
  const { rendered, revisions, attempt } = input;
  const [current] = revisions;
  const failed = revisions.find(({ failure }) => failure?.attempt === attempt);
  const good = failed && returnTarget(revisions, failed);
  if (failed && good) {
    // It keeps what it was applied for: the next attempt is to find that the input is another by now.
    const record = { ...good, revision: numberOf(revisions, good) };
    return { kind: 'returned', template: good.template, record, failure: failed.failure?.message ?? '' };
  }
  const { renderer, release, inputHash, connections } = input;
  const seen = { renderer, release, inputHash, renderedHash: hashOf(rendered), ...(connections && { connections }) };
  if (current && isUnchanged(input, current, seen.renderedHash)) {
    // What an older renderer made needs what that one said.
    const isOwn = hashOf(current.template) === seen.renderedHash;
    const { failure: _, ...kept } = { ...current, ...seen, ...(!isOwn && { connections: current.connections }) };
    return { kind: 'kept', template: current.template, record: kept };
  }
  const same = revisions.find(({ template }) => hashOf(template) === seen.renderedHash);
  const wasAvailable = same?.wasAvailable ?? false;
  const record = { ...seen, template: rendered, wasAvailable, revision: numberOf(revisions, same) };
  return { kind: 'rendered', template: rendered, record };
}

/** The newest that all pods ran with, the one that failed aside. */
export function returnTarget(
  revisions: readonly TemplateRevision[],
  failed: TemplateRevision,
): TemplateRevision | undefined {
  return revisions.find((each) => each !== failed && each.wasAvailable && !each.failure);
}

/**
 * Whether what is wanted is what was wanted when the current template was applied. The same renderer is asked itself: it makes the same
 * of it. Another renderer would make something else of the same input, so there the input decides.
 */
function isUnchanged(input: PinInput, current: TemplateRevision, renderedHash: string): boolean {
  if (input.follows || current.release !== input.release) return false;
  if (current.renderer === input.renderer) return current.renderedHash === renderedHash;
  return current.inputHash === input.inputHash;
}

/** The number that makes it the newest; it keeps the one it has where it is that already. */
function numberOf(revisions: readonly TemplateRevision[], revision: TemplateRevision | undefined): number {
  const [newest] = revisions;
  if (newest && newest === revision) return newest.revision;
  return (newest?.revision ?? 0) + 1;
}
