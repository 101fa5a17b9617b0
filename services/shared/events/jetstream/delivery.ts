import { jetstream, type JsMsg } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import type { EventOf } from '@orderplane/contracts/events.ts';
import { deadLetterSubject, type Topic } from '@orderplane/contracts/topics.ts';
import { backoffMs, pause } from '../../backoff.ts';
import { isUnavailable, rootMessage } from '../../errors.ts';
import { type Logger, troubleLog } from '../../log.ts';
import { type RequestContext, requestContextFrom, withRequest } from '../../request-context.ts';
import { beginRequest, type Tracing } from '../../telemetry/span.ts';
import type { Subscription } from '../bus.ts';
import { keyedChains } from '../keyed-chains.ts';
import type { EventMetrics } from '../metrics.ts';
import { eventSpan, TRACEPARENT } from '../spans.ts';
import { type Decoded, decode } from './decode.ts';
import { ACK_WAIT_MS } from './streams.ts';

const REDELIVERY = { firstMs: 100, maxMs: 30_000 };
const DEPENDENCY = { firstMs: 100, maxMs: 2000 };
const WORKING_EVERY_MS = ACK_WAIT_MS / 3;
const DEFAULT_MAX_DELIVERIES = 10;

/** Takes messages, and sees each of them to its end: acknowledged, given back, or dead. */
export interface Delivery {
  accept(message: JsMsg, connection: NatsConnection): void;
  /** Resolves when nothing is in hand any more. */
  idle(): Promise<void>;
}

type Outcome = 'done' | 'early' | 'failed' | 'dead' | 'returned';

export interface DeliveryOptions {
  readonly log: Logger;
  readonly metrics: Pick<EventMetrics, 'handled' | 'lag'>;
  readonly tracing: Tracing | undefined;
  readonly stopping: AbortSignal;
}

export function deliveryOf<T extends Topic>(
  subscription: Subscription<T>,
  { log, metrics, tracing, stopping }: DeliveryOptions,
): Delivery {
  const maxDeliveries = subscription.maxDeliveries ?? DEFAULT_MAX_DELIVERIES;
  const dependency = troubleLog(log, `what ${subscription.name} writes to`);
  const inHand = keyedChains();

  const settle = async (message: JsMsg, event: Decoded, connection: NatsConnection): Promise<Outcome> => {
    const bury = (reason: string) => deadLetter(message, connection, { consumer: subscription.name, reason });
    // Also true for a message that ends the process each time it is handled.
    if (message.info.deliveryCount > maxDeliveries) return bury('handling it never came to an end');
    if ('fault' in event) return bury(event.fault);
    const verdict = await attempt(event as EventOf<T>);
    if (verdict.outcome === 'done') message.ack();
    else if (verdict.outcome === 'returned') message.nak();
    else if (message.info.deliveryCount >= maxDeliveries) return bury(verdict.reason);
    else message.nak(backoffMs(REDELIVERY, message.info.deliveryCount));
    return verdict.outcome;
  };

  /** Waits for a dependency that is away with the event in hand, so that outages do not count as the event's failures. */
  const attempt = async (event: EventOf<T>): Promise<{ outcome: Exclude<Outcome, 'dead'>; reason: string }> => {
    for (let failures = 1; ; failures++) {
      try {
        const handled = await subscription.handle(event);
        dependency.fine();
        return { outcome: handled, reason: 'what it builds on never came' };
      } catch (error) {
        if (!isUnavailable(error)) {
          log.error({ err: error, event: event.id, topic: event.type }, 'an event could not be handled');
          return { outcome: 'failed', reason: rootMessage(error) };
        }
        dependency.trouble(error);
        await pause(backoffMs(DEPENDENCY, failures), stopping);
        if (stopping.aborted) return { outcome: 'returned', reason: 'stopping' };
      }
    }
  };

  const see = async (message: JsMsg, event: Decoded, connection: NatsConnection): Promise<void> => {
    const working = setInterval(() => keepInHand(message, connection), WORKING_EVERY_MS);
    const request = requestOf(event, message, tracing);
    try {
      const outcome = await withRequest(request, () => settle(message, event, connection));
      request.span?.set({ 'orderplane.event.outcome': outcome });
      request.span?.end(outcome === 'failed' || outcome === 'dead' ? new Error(outcome) : undefined);
      metrics.handled.inc({ topic: message.subject, outcome });
      if (outcome === 'done' && 'time' in event) metrics.lag.observe({ topic: event.type }, secondsSince(event.time));
    } catch (error) {
      // The broker was lost in between: it delivers again.
      log.warn({ err: error, topic: message.subject, seq: message.seq }, 'a message could not be settled');
      request.span?.end(error);
    } finally {
      clearInterval(working);
    }
  };

  return {
    accept(message, connection) {
      const event = decode(message);
      const isAlone = 'fault' in event || subscription.pipelined;
      const key = isAlone ? `message ${message.seq}` : event.subject;
      inHand.run(key, () => see(message, event, connection));
    },
    idle: () => inHand.idle(),
  };
}

function keepInHand(message: JsMsg, connection: NatsConnection): void {
  if (!connection.isClosed()) message.working();
}

/** The message is ended only when the dead letter is stored: at any time it is in one of the two places. */
async function deadLetter(
  message: JsMsg,
  connection: NatsConnection,
  { consumer, reason }: { consumer: string; reason: string },
): Promise<'dead'> {
  const about = headers();
  about.set('Orderplane-Consumer', consumer);
  about.set('Orderplane-Reason', reason.replaceAll(/[\r\n]+/g, ' ').slice(0, 500));
  about.set('Orderplane-Deliveries', String(message.info.deliveryCount));
  const msgID = `${consumer}:${message.info.stream}:${message.seq}`;
  await jetstream(connection).publish(deadLetterSubject(message.subject), message.data, { msgID, headers: about });
  message.term(reason.slice(0, 100));
  return 'dead';
}

/** By the clock of the service that it happened in: never less than nothing. */
function secondsSince(time: string): number {
  return Math.max(0, Date.now() - Date.parse(time)) / 1000;
}

/** What is logged while an event is handled bears the ids of the request that caused it. */
function requestOf(event: Decoded, message: JsMsg, tracing: Tracing | undefined): RequestContext {
  if ('fault' in event) return requestContextFrom(() => undefined);
  const known: Record<string, string | undefined> = {
    'x-request-id': `event-${event.id}`,
    'x-correlation-id': event.correlationid,
    traceparent: message.headers?.get(TRACEPARENT) || event.traceparent,
  };
  return beginRequest(tracing, (name) => known[name], eventSpan('process', event));
}
