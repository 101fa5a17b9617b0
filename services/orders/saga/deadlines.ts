import type { Logger } from '@orderplane/shared/log.ts';
import { type Pool, query } from '@orderplane/shared/postgres.ts';
import { withRequest } from '@orderplane/shared/request-context.ts';
import { startSweeper } from '@orderplane/shared/sweeper.ts';
import { beginRequest, ORDER_ID, type Tracing } from '@orderplane/shared/telemetry/span.ts';
import { execute, type ExecuteDeps } from '../order/execute.ts';
import type { DeadlineReason } from '../order/order.ts';

const POLL_MS = 1000;
/** No more at once than what leaves connections for others. */
const BATCH = 20;
/** A process that claimed deadlines and died leaves them to the others after this. */
const CLAIM_MS = 30_000;

interface Deadline {
  readonly orderId: string;
  readonly reason: DeadlineReason;
  readonly eventId: string;
  readonly correlationId: string | null;
  readonly traceparent: string | null;
}

/** Cancels the orders that have waited too long. Processes share the work. */
export function startDeadlines(
  deps: ExecuteDeps,
  { pool, log, tracing }: { pool: Pool; log: Logger; tracing?: Tracing | undefined },
) {
  return startSweeper({
    subject: 'looking for orders that wait too long',
    sweep: async () => (await expireDue(deps, pool, tracing)) === BATCH,
    everyMs: POLL_MS,
    log,
  });
}

/** One round: claims what is due, and has each order decide whether it still waits. Answers with how many were claimed. */
export async function expireDue(deps: ExecuteDeps, pool: Pool, tracing?: Tracing): Promise<number> {
  const now = deps.now();
  const due = await query<Deadline>(pool, CLAIM, [now, new Date(now.getTime() + CLAIM_MS), BATCH]);
  const results = await Promise.allSettled(
    due.map(async (deadline) => {
      const request = requestOf(deadline, tracing);
      await withRequest(request, () => expire(deps, pool, deadline)).finally(() => request.span?.end());
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return due.length;
}

const CLAIM = `
  update deadlines set due_at = $2 from events
  where deadlines.stream_id in (
      select stream_id from deadlines where due_at <= $1 order by due_at limit $3 for update skip locked)
    and events.stream_id = deadlines.stream_id and events.version = 1
  returning deadlines.stream_id as "orderId", reason, deadlines.event_id as "eventId",
    correlation_id as "correlationId", events.traceparent`;

async function expire(deps: ExecuteDeps, pool: Pool, { orderId, reason, eventId }: Deadline): Promise<void> {
  await execute(deps, orderId, { type: 'expire', reason }, { cause: eventId });
  // Gone already, or another step's by now, unless the order did not wait any more.
  await query(pool, 'delete from deadlines where stream_id = $1 and reason = $2', [orderId, reason]);
}

/** The timeout is a part of the business that it ends. */
function requestOf({ orderId, reason, correlationId, traceparent }: Deadline, tracing: Tracing | undefined) {
  const known: Record<string, string | null> = {
    'x-request-id': `${reason}-${orderId}`,
    'x-correlation-id': correlationId,
    traceparent,
  };
  return beginRequest(tracing, (name) => known[name], {
    name: `expire ${reason}`,
    attributes: { [ORDER_ID]: orderId },
  });
}
