import { CodedError } from '@orderplane/shared/errors.ts';
import { MongoClient, MongoError, MongoServerError, MongoTopologyClosedError } from 'mongodb';
import type { Applied, Change, OrderReadModel, OrderView } from './read-model.ts';

/** `eventId` is the id of the event that made the order, which is the order's id. Its unique index comes with the migrations. */
type OrderDocument = Omit<OrderView, 'id'> & { readonly _id: string; readonly eventId: string };

const DUPLICATE_KEY = 11000;
// What is wrong with the document or the command, and would be so again: BadValue, FailedToParse, TypeMismatch,
// DocumentValidationFailure, BSONObjectTooLarge. Everything else is the server's trouble.
const DOCUMENT_FAULTS = new Set<unknown>([2, 9, 14, 121, 10_334]);

/** The read model in the collection `orders` of the database that the URI names. Needs no transactions. */
export function mongoReadModel(uri: string, name: string): OrderReadModel {
  const client = new MongoClient(uri, {
    appName: name,
    maxPoolSize: 20,
    // Twice for a read that is retried, and still within the callers' deadline.
    serverSelectionTimeoutMS: 1500,
    connectTimeoutMS: 2000,
    socketTimeoutMS: 10_000,
    // An event is acknowledged to the broker after this: it has to survive a crash of the server.
    writeConcern: { w: 'majority', journal: true },
  });
  const orders = client.db().collection<OrderDocument>('orders');

  const call = <T>(work: () => Promise<T>): Promise<T> => translated(() => connected(client, work));

  const create = async ({ id, ...order }: OrderView): Promise<Applied> => {
    try {
      await orders.insertOne({ _id: id, eventId: id, ...order });
      return 'applied';
    } catch (error) {
      if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return 'duplicate';
      throw error;
    }
  };
  const advance = async ({ id, version, status }: Extract<Change, { kind: 'advance' }>): Promise<Applied> => {
    const { matchedCount } = await orders.updateOne({ _id: id, version: version - 1 }, { $set: { status, version } });
    if (matchedCount === 1) return 'applied';
    const current = await orders.findOne({ _id: id }, { projection: { version: 1 } });
    return current && current.version >= version ? 'duplicate' : 'early';
  };

  return {
    apply: (change) => call(() => (change.kind === 'create' ? create(change.order) : advance(change))),
    get: (id) =>
      call(async () => {
        const found = await orders.findOne({ _id: id });
        return found ? view(found) : undefined;
      }),
    list: ({ first, after, hiddenProduct }) =>
      call(async () => {
        const older = after === undefined ? {} : { _id: { $lt: after } };
        const found = orders.find({ ...older, productId: { $ne: hiddenProduct } }).sort({ _id: -1 });
        return (await found.limit(first).toArray()).map(view);
      }),
    check: () => call(async () => void (await client.db().command({ ping: 1 }))),
    close: () => client.close(),
  };
}

/**
 * A client whose first connection failed keeps that connection's topology, closed, and would refuse every call from then on. Only
 * `connect` gives it a new one.
 */
async function connected<T>(client: MongoClient, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MongoTopologyClosedError)) throw error;
    await client.connect();
    return work();
  }
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isDocumentFault = error instanceof MongoServerError && DOCUMENT_FAULTS.has(error.code);
    if (error instanceof MongoError && !isDocumentFault) throw new CodedError('SERVICE_UNAVAILABLE', { cause: error });
    throw error;
  }
}

function view({ _id, productId, qty, price, status, version, createdAt }: OrderDocument): OrderView {
  return { id: _id, productId, qty, price, status, version, createdAt };
}
