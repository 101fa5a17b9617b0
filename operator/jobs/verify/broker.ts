import { STREAMS, streamOf } from '@orderplane/contracts/topics.ts';
import { messageOf } from '../failures.ts';
import type { Hop } from '../contract.ts';

/** How far the stream of the orders' events had got before the synthetic order. */
export interface BrokerMark {
  lastSequence: number | undefined;
}

interface StreamDetail {
  name: string;
  state?: { last_seq?: number };
  consumer_detail?: { name: string; num_pending?: number; num_ack_pending?: number }[];
}

const STREAM = streamOf('order_created');
const CONSUMER: Hop = 'order-query';

/** Remembers where the broker stands, for `findLostEvent`. An unreachable broker is no fault yet. */
export async function markBroker(monitorUrl: string | undefined, signal: AbortSignal): Promise<BrokerMark> {
  if (!monitorUrl) return { lastSequence: undefined };
  const stream = await readStream(monitorUrl, signal).catch(() => undefined);
  return { lastSequence: stream?.state?.last_seq ?? 0 };
}

/** Where an accepted order's event got stuck, by what NATS tells of its stream and its consumer. */
export async function findLostEvent(
  monitorUrl: string | undefined,
  mark: BrokerMark,
  signal: AbortSignal,
): Promise<{ hop: Hop; why: string }> {
  if (!monitorUrl) return { hop: CONSUMER, why: 'the event may also be held up at the broker' };
  let stream: StreamDetail | undefined;
  try {
    stream = await readStream(monitorUrl, signal);
  } catch (error) {
    signal.throwIfAborted();
    return { hop: 'broker', why: `the broker does not answer: ${messageOf(error)}` };
  }
  if (!stream)
    return { hop: 'orders', why: `nothing has made the stream ${STREAM} (${STREAMS[STREAM]?.join(', ')}) yet` };
  if ((stream.state?.last_seq ?? 0) <= (mark.lastSequence ?? 0))
    return { hop: 'orders', why: 'orders has published no event' };
  const consumer = stream.consumer_detail?.find(({ name }) => name === CONSUMER);
  if (!consumer) return { hop: CONSUMER, why: `the event is in the stream, but ${CONSUMER} does not consume it` };
  const waiting = (consumer.num_pending ?? 0) + (consumer.num_ack_pending ?? 0);
  if (waiting > 0) return { hop: CONSUMER, why: `${waiting} events wait to be projected` };
  return { hop: CONSUMER, why: 'it has consumed every event' };
}

async function readStream(monitorUrl: string, signal: AbortSignal): Promise<StreamDetail | undefined> {
  const url = new URL('/jsz?streams=true&consumers=true', monitorUrl);
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(3_000)]) });
  const answer = (await response.json()) as { account_details?: { stream_detail?: StreamDetail[] }[] };
  return answer.account_details?.flatMap((account) => account.stream_detail ?? []).find(({ name }) => name === STREAM);
}
