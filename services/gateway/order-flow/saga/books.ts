import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import type { Fleet } from './fleet.ts';

/** What the raw tables of all sides say. */
export interface Books {
  /** By the order's id, from its events. */
  readonly orders: ReadonlyMap<string, BookedOrder>;
  readonly reservations: readonly { orderId: string; status: string }[];
  readonly stock: readonly { productId: string; onHand: number; reserved: number }[];
  /** What the processor did, which is another's business than that of payments. */
  readonly charges: readonly { key: string; orderId: string; amount: number; refunded: boolean }[];
  readonly payments: readonly { id: string; orderId: string; status: string; amount: number }[];
  /** What still waits for something, in words. */
  readonly unfinished: readonly string[];
}

export interface BookedOrder {
  readonly types: readonly string[];
  readonly lines: readonly { productId: string; qty: number; price: number }[];
  readonly total: number;
  /** `confirmed`, why it was cancelled, or `open`. */
  readonly outcome: string;
}

export async function readBooks({ uris, natsUri }: Fleet): Promise<Books> {
  const [orders, inventory, payments, queued] = await Promise.all([
    withDatabase(uris.orders, async (ask) => ({
      events: await ask<EventRow>('select stream_id, type, data from events order by stream_id, version'),
      deadlines: await ask('select 1 from deadlines'),
      outbox: await ask('select 1 from outbox'),
    })),
    withDatabase(uris.inventory, async (ask) => ({
      reservations: await ask<Books['reservations'][number]>('select order_id as "orderId", status from reservations'),
      stock: await ask<Books['stock'][number]>(
        'select product_id as "productId", on_hand as "onHand", reserved from stock order by product_id',
      ),
      outbox: await ask('select 1 from outbox'),
    })),
    withDatabase(uris.payments, async (ask) => ({
      charges: await ask<Books['charges'][number]>(
        `select key, reference as "orderId", amount, refunded_at is not null as refunded from sandbox_charges where outcome = 'charged'`,
      ),
      payments: await ask<Books['payments'][number]>('select id, order_id as "orderId", status, amount from payments'),
      unsettled: await ask(
        `select id from payments where status = 'PENDING' or (status = 'SUCCEEDED' and is_refund_wanted)`,
      ),
      outbox: await ask('select 1 from outbox'),
    })),
    queuedEvents(natsUri),
  ]);
  const booked = bookedOrders(orders.events);
  const counts: Record<string, number> = {
    'open orders': [...booked.values()].filter(({ outcome }) => outcome === 'open').length,
    'deadlines of orders': orders.deadlines.length,
    'reservations held': inventory.reservations.filter(({ status }) => status === 'held' || status === 'expected')
      .length,
    'payments unsettled': payments.unsettled.length,
    'events in outboxes': orders.outbox.length + inventory.outbox.length + payments.outbox.length,
    ...queued,
  };
  const { reservations, stock } = inventory;
  return {
    orders: booked,
    reservations,
    stock,
    charges: payments.charges,
    payments: payments.payments,
    unfinished: Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : [])),
  };
}

interface EventRow {
  readonly stream_id: string;
  readonly type: string;
  readonly data: Pick<BookedOrder, 'lines' | 'total'> & { readonly reason?: string };
}

function bookedOrders(events: readonly EventRow[]): Map<string, BookedOrder> {
  const orders = new Map<string, BookedOrder>();
  for (const { stream_id: id, type, data } of events) {
    const { lines, total, types, outcome } = orders.get(id) ?? { ...data, types: [], outcome: 'open' };
    const after = type === 'order_cancelled' ? (data.reason ?? '') : type === 'order_confirmed' ? 'confirmed' : outcome;
    orders.set(id, { lines, total, types: [...types, type], outcome: after });
  }
  return orders;
}

/** Of all consumers, with what they have put aside: there should be nothing of that, either. */
async function queuedEvents(uri: string): Promise<Record<string, number>> {
  const connection = await connect({ servers: uri });
  try {
    const manager = await jetstreamManager(connection);
    const queued = { 'events not handled': 0, 'dead letters': 0 };
    for await (const { config, state } of manager.streams.list()) {
      if (config.name === 'DEAD_LETTERS') queued['dead letters'] += state.messages;
      for await (const consumer of manager.consumers.list(config.name)) {
        queued['events not handled'] += consumer.num_pending + consumer.num_ack_pending;
      }
    }
    return queued;
  } finally {
    await connection.close();
  }
}

type Ask = <Row extends object>(text: string) => Promise<Row[]>;

async function withDatabase<T>(uri: string, work: (ask: Ask) => Promise<T>): Promise<T> {
  const client = new pg.Client(uri);
  await client.connect();
  try {
    return await work(async <Row extends object>(text: string) => (await client.query(text)).rows as Row[]);
  } finally {
    await client.end();
  }
}
