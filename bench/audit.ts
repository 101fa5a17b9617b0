/** What an API server's audit log tells of writes. */

/** Writes that the server carried out; events and leases, which are no state of anything, aside. */
export interface WriteCounts {
  created: number;
  statuses: number;
  /** Changes of what was there. */
  changed: number;
  deleted: number;
}

interface Entry {
  verb: string;
  userAgent?: string;
  responseStatus?: { code: number };
  objectRef?: { resource: string; subresource?: string };
}

const MUTATING = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
const STATELESS = new Set(['events', 'leases', 'tokenreviews', 'subjectaccessreviews']);

/** Counts the writes in a log of one JSON line a request, of the clients whose user agent starts with `userAgent`. */
export function countWrites(log: string, userAgent = ''): WriteCounts {
  const counts: WriteCounts = { created: 0, statuses: 0, changed: 0, deleted: 0 };
  for (const line of log.split('\n').filter((each) => each !== '')) {
    const entry = JSON.parse(line) as Entry;
    const { verb, objectRef, responseStatus: { code = 0 } = {} } = entry;
    if (!MUTATING.has(verb) || !objectRef || STATELESS.has(objectRef.resource) || code < 200 || code >= 300) continue;
    if (!entry.userAgent?.startsWith(userAgent)) continue;
    counts[kindOf(verb, code, objectRef.subresource)]++;
  }
  return counts;
}

function kindOf(verb: string, code: number, subresource: string | undefined): keyof WriteCounts {
  if (subresource === 'status') return 'statuses';
  if (verb.startsWith('delete')) return 'deleted';
  return code === 201 ? 'created' : 'changed';
}

export function totalOf(counts: WriteCounts): number {
  return counts.created + counts.statuses + counts.changed + counts.deleted;
}
