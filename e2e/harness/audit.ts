/** What the API server's audit log says that somebody did. */
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface AuditedRequest {
  readonly at: Date;
  readonly user: string;
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: number;
}

interface AuditEvent {
  readonly stage: string;
  readonly requestReceivedTimestamp: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

const MUTATING = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

export interface AuditQuery {
  readonly logPath: string;
  readonly user: string;
  readonly since: Date;
  readonly until?: Date;
}

/** The user's mutating requests in a window of time, Leases aside: they are how a steady operator shows that it lives. */
export async function mutatingRequests(query: AuditQuery): Promise<AuditedRequest[]> {
  const found: AuditedRequest[] = [];
  for (const file of await filesWrittenSince(query.logPath, query.since)) {
    for await (const event of eventsOf(file)) {
      const request = mutation(event);
      if (request && request.user === query.user && within(request.at, query)) found.push(request);
    }
  }
  return found.toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

/** One line for people: `patch deployments/shop-gateway (200)`. */
export function describeRequest(request: AuditedRequest): string {
  const resource = request.subresource ? `${request.resource}/${request.subresource}` : request.resource;
  return `${request.verb} ${resource} ${request.namespace}/${request.name} (${request.status})`;
}

function within(at: Date, { since, until }: AuditQuery): boolean {
  return at >= since && (until === undefined || at <= until);
}

function mutation(event: AuditEvent): AuditedRequest | undefined {
  const { objectRef, verb } = event;
  if (event.stage !== 'ResponseComplete' || !objectRef || !MUTATING.has(verb) || objectRef.resource === 'leases')
    return undefined;
  return {
    at: new Date(event.requestReceivedTimestamp),
    user: event.user.username,
    verb,
    resource: objectRef.resource,
    subresource: objectRef.subresource,
    namespace: objectRef.namespace ?? '',
    name: objectRef.name ?? '',
    status: event.responseStatus?.code ?? 0,
  };
}

async function* eventsOf(path: string): AsyncGenerator<AuditEvent> {
  const file = await open(path);
  try {
    // The last line may be half written.
    for await (const line of createInterface({
      input: file.createReadStream({ autoClose: false }),
      crlfDelay: Infinity,
    })) {
      if (line.endsWith('}')) yield JSON.parse(line) as AuditEvent;
    }
  } finally {
    await file.close();
  }
}

/** The log is rotated by size: `audit.log`, and `audit-<time>.log` for what came before. */
async function filesWrittenSince(logPath: string, since: Date): Promise<string[]> {
  const dir = dirname(logPath);
  const stem = basename(logPath, '.log');
  const names = (await readdir(dir)).filter((name) => name.startsWith(stem) && name.endsWith('.log'));
  const stats = await Promise.all(
    names.map(async (name) => ({ path: join(dir, name), modified: (await stat(join(dir, name))).mtime })),
  );
  return stats.filter(({ modified }) => modified >= since).map(({ path }) => path);
}
