/** What an API server's audit log tells of writes. */
import { auditEvents, isMutation, type AuditEvent } from '../operator/controllers/testing/audit-log.ts';

/** Writes that the server carried out; leases, which are no state of anything, aside. */
export interface WriteCounts {
  created: number;
  statuses: number;
  /** Changes of what was there. */
  changed: number;
  deleted: number;
  /** Events, and that they came again. */
  events: number;
}

const STATELESS = new Set(['leases', 'tokenreviews', 'subjectaccessreviews']);

/** Counts the writes in a log, of all clients and of those whose user agent starts with `userAgent`; of these the reads, too. */
export async function countWrites(
  path: string,
  userAgent: string,
): Promise<{ theirs: WriteCounts; all: WriteCounts; theirReads: number }> {
  const [theirs, all] = [noWrites(), noWrites()];
  let theirReads = 0;
  for await (const event of auditEvents(path)) {
    const isTheirs = event.userAgent?.startsWith(userAgent) ?? false;
    if (isTheirs && isRead(event)) theirReads++;
    const kind = kindOf(event);
    if (!kind) continue;
    all[kind]++;
    if (isTheirs) theirs[kind]++;
  }
  return { theirs, all, theirReads };
}

/** Watches, which last, are none. */
function isRead({ stage, verb }: AuditEvent): boolean {
  return stage === 'ResponseComplete' && (verb === 'get' || verb === 'list');
}

const noWrites = (): WriteCounts => ({ created: 0, statuses: 0, changed: 0, deleted: 0, events: 0 });

/** Undefined for what is no write, and for what was refused. */
export function kindOf(event: AuditEvent): keyof WriteCounts | undefined {
  const { code = 0 } = event.responseStatus ?? {};
  if (!isMutation(event) || STATELESS.has(event.objectRef.resource) || code < 200 || code >= 300) return undefined;
  if (event.objectRef.resource === 'events') return 'events';
  if (event.objectRef.subresource === 'status') return 'statuses';
  if (event.verb.startsWith('delete')) return 'deleted';
  return code === 201 ? 'created' : 'changed';
}

export function totalOf(counts: WriteCounts): number {
  return counts.created + counts.statuses + counts.changed + counts.deleted + counts.events;
}
