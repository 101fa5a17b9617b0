/** What the API server's audit log says that somebody did. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { auditEvents, isMutation, type AuditEvent } from '@orderplane/operator/controllers/testing/audit-log.ts';

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
    for await (const event of eventsOf(file, query.user)) {
      const request = mutation(event);
      if (request && within(request.at, query)) found.push(request);
    }
  }
  return found.toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

/** Everything that the log has of a user, and since when there is a log at all: older parts of it are removed. */
export async function auditedEvents(logPath: string, user: string): Promise<{ since: Date; events: AuditEvent[] }> {
  const files = await filesWrittenSince(logPath, new Date(0));
  const starts = await Promise.all(files.map(firstEvent));
  const events = await Promise.all(files.map((file) => Array.fromAsync(eventsOf(file, user))));
  const since = Math.min(...starts.map((event) => Date.parse(event?.requestReceivedTimestamp ?? '') || Infinity));
  return { since: new Date(since), events: events.flat() };
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
  if (!isMutation(event) || event.objectRef.resource === 'leases') return undefined;
  const { objectRef, verb } = event;
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

async function firstEvent(path: string): Promise<AuditEvent | undefined> {
  for await (const event of auditEvents(path)) return event;
  return undefined;
}

async function* eventsOf(path: string, user: string): AsyncGenerator<AuditEvent> {
  for await (const event of auditEvents(path, user)) if (event.user.username === user) yield event;
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
