/** The API server's audit log: one JSON line a request. What is counted of it is up to whoever asks. */
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { AuditedAccess } from './rights.ts';

export interface AuditEvent extends AuditedAccess {
  readonly stage: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly objectRef?: NonNullable<AuditedAccess['objectRef']> & { readonly namespace?: string };
}

/** An event of a request that was to change something, and was answered. */
export type Mutation = AuditEvent & { readonly objectRef: NonNullable<AuditEvent['objectRef']> };

const MUTATING = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

export function isMutation(event: AuditEvent): event is Mutation {
  return event.stage === 'ResponseComplete' && event.objectRef !== undefined && MUTATING.has(event.verb);
}

/** `patch deployments/status`, without the object. */
export function accessOf({ verb, objectRef: { resource, subresource } }: Mutation): string {
  return `${verb} ${subresource ? `${resource}/${subresource}` : resource}`;
}

/** The events of a file, of lines that have `text` in them: a log is long, and most of it somebody else's. */
export async function* auditEvents(path: string, text = ''): AsyncGenerator<AuditEvent> {
  const file = await open(path);
  try {
    const input = file.createReadStream({ autoClose: false });
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      // The last line may be half written.
      if (line.endsWith('}') && line.includes(text)) yield JSON.parse(line) as AuditEvent;
    }
  } finally {
    await file.close();
  }
}
