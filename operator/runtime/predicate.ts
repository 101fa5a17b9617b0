import type { InformerEvent } from './informer.ts';
import type { KubeObject } from './resource.ts';

/** Whether a change is worth a reconcile. Not asked about resyncs: those reconcile everything, that is their point. */
export type Predicate<T extends KubeObject = KubeObject> = (event: InformerEvent<T>) => boolean;

/**
 * Passes adds, deletes, and updates of what an owner wrote: the generation, deletion, finalizers, and the named labels and
 * annotations. Status updates do not pass, so a controller is not woken by its own.
 */
export function specChanged<T extends KubeObject>(
  also: { labels?: string[]; annotations?: string[] } = {},
): Predicate<T> {
  const { labels = [], annotations = [] } = also;
  return (event) => {
    if (event.type !== 'update') return true;
    const { metadata: now } = event.object;
    const { metadata: before } = event.previous;
    return (
      now.generation !== before.generation ||
      now.deletionTimestamp !== before.deletionTimestamp ||
      String(now.finalizers) !== String(before.finalizers) ||
      labels.some((name) => now.labels?.[name] !== before.labels?.[name]) ||
      annotations.some((name) => now.annotations?.[name] !== before.annotations?.[name])
    );
  };
}

/**
 * Passes adds, deletes, and updates of anything but the status: for kinds whose status changes often and is of no interest, and which
 * do not all count generations.
 */
export function statusIgnored<T extends KubeObject>(): Predicate<T> {
  return (event) => event.type !== 'update' || withoutStatus(event.object) !== withoutStatus(event.previous);
}

function withoutStatus(object: KubeObject): string {
  const { resourceVersion: _, generation: __, managedFields: ___, ...metadata } = object.metadata;
  return JSON.stringify({ ...object, metadata, status: undefined });
}
