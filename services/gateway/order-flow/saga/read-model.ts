import { isDeepStrictEqual } from 'node:util';
import { MongoClient } from 'mongodb';
import type { Books } from './books.ts';
import type { Fleet } from './fleet.ts';

/** Where the read model differs from what the orders' events come to, or from itself when it is built anew of them. */
export async function readModelFaults(fleet: Fleet, { orders }: Books): Promise<string[]> {
  const before = await readModel(fleet);
  const faults: string[] = [];
  for (const [id, { outcome, types, total }] of orders) {
    const isConfirmed = outcome === 'confirmed';
    const expected = {
      version: types.length,
      status: isConfirmed ? 'CONFIRMED' : 'CANCELLED',
      cancelReason: isConfirmed ? undefined : outcome,
      refunded: types.includes('order_refunded'),
      total,
    };
    const { version, status, cancelReason, refunded, total: shown } = before.get(id) ?? {};
    const found = { version, status, cancelReason, refunded, total: shown };
    if (!isDeepStrictEqual(found, expected)) {
      faults.push(`order ${id}: the read model has ${JSON.stringify(found)}, the events ${JSON.stringify(expected)}`);
    }
  }
  await fleet.rebuildReadModel();
  const after = await readModel(fleet);
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    if (!isDeepStrictEqual(before.get(id), after.get(id))) faults.push(`order ${id} is another after a rebuild`);
  }
  if (before.size !== orders.size) faults.push(`${orders.size} orders, ${before.size} in the read model`);
  return faults;
}

type OrderDocument = Readonly<Record<string, unknown>>;

async function readModel({ mongoUri }: Fleet): Promise<Map<string, OrderDocument>> {
  const client = new MongoClient(mongoUri);
  try {
    const documents = await client.db().collection<{ _id: string }>('orders').find().toArray();
    return new Map(documents.map((document) => [document._id, document]));
  } finally {
    await client.close();
  }
}
