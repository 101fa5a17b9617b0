import { batching } from '@orderplane/shared/batching.ts';
import { CodedError } from '@orderplane/shared/errors.ts';
import { inSpan } from '@orderplane/shared/telemetry/span.ts';
import {
  type Collection,
  type Db,
  type Filter,
  MongoClient,
  MongoError,
  MongoServerError,
  MongoTopologyClosedError,
} from 'mongodb';
import type { Applied, Change, OrderReadModel, OrderView, Owner } from './read-model.ts';

/** `eventId` is the id of the event that made the order, which is the order's id. Its unique index comes with the migrations. */
type OrderDocument = Omit<OrderView, 'id'> & { readonly _id: string; readonly eventId: string };

type Added = 'lines' | 'total' | 'refunded' | 'updatedAt';
/** What may be in the collection. */
type StoredDocument = Omit<OrderDocument, Added> & Partial<Pick<OrderDocument, Added>>;

/** A command, and its way to the disk, costs about the same for one change as for a few. One at a time: what an event builds on is never in a later one. */
const BATCHES = { maxItems: 100, lanes: 1 };

const REBUILT = 'orders_rebuilt';
const SWAP_ATTEMPTS = 20;

const DUPLICATE_KEY = 11000;
const NAMESPACE_NOT_FOUND = 26;
const NAMESPACE_EXISTS = 48;
const NOT_IMPLEMENTED = 238;
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

  const call = <T>(operation: string, work: () => Promise<T>): Promise<T> => {
    const attributes = { 'db.system.name': 'mongodb', 'db.operation.name': operation };
    return inSpan({ name: `mongo ${operation}`, kind: 'client', attributes }, () =>
      translated(() => connected(client, work)),
    );
  };

  const applying = (collection: Collection<OrderDocument>) =>
    batching(BATCHES, (changes: readonly Change[]) => call('apply', () => applyAll(collection, changes)));

  return {
    apply: applying(orders),
    get: (id) =>
      call('get', async () => {
        const found = await orders.findOne({ _id: id });
        return found ? view(found) : undefined;
      }),
    list: ({ first, after, owner, hiddenProduct }) =>
      call('list', async () => {
        const older = after === undefined ? {} : { _id: { $lt: after } };
        const found = orders.find({ ...ownedBy(owner), ...older, productId: { $ne: hiddenProduct } }).sort({ _id: -1 });
        return (await found.limit(first).toArray()).map(view);
      }),
    async startRebuild() {
      const rebuilt = await call('prepare', () => emptyLike(client.db(), 'orders', REBUILT));
      return {
        apply: applying(rebuilt),
        swapIn: () => call('swap', () => replaceCollection(client.db(), 'orders', REBUILT)),
      };
    },
    check: () => call('ping', async () => void (await client.db().command({ ping: 1 }))),
    close: () => client.close(),
  };
}

/** One change, or several that follow each other, to an order that is at version `from`; at 0 it is yet to be made. */
interface Run {
  readonly id: string;
  readonly from: number;
  readonly fields: Partial<OrderView> & Pick<OrderView, 'version'>;
  readonly changes: readonly [Change, ...Change[]];
}

/** New orders in one command, the others in one each: its answer has to tell whether the order was at the version that is built on. */
async function applyAll(
  orders: Collection<OrderDocument>,
  changes: readonly Change[],
): Promise<PromiseSettledResult<Applied>[]> {
  const runs = [...Map.groupBy(changes, idOf).values()].map(runsOf);
  const made = await insertNew(orders, runs.flat());
  const results = new Map<Change, PromiseSettledResult<Applied>>();
  const settle = async (run: Run): Promise<void> => {
    const applied: Applied | Promise<Applied> = made.has(run) ? 'applied' : translated(() => apply(orders, run));
    const [result] = await Promise.allSettled([applied]);
    const isEarly = result.status === 'fulfilled' && result.value === 'early';
    if (isEarly && run.changes.length > 1) {
      for (const change of run.changes) await settle(runOf(change));
    } else {
      for (const change of run.changes) results.set(change, result);
    }
  };
  const settleInOrder = async (ofOrder: readonly Run[]) => {
    for (const run of ofOrder) await settle(run);
  };
  await Promise.all(runs.map(settleInOrder));
  return changes.flatMap((change) => results.get(change) ?? []);
}

/** Those that were made: where anything stands in the way of one, none counts, and each is tried by itself. */
async function insertNew(orders: Collection<OrderDocument>, runs: readonly Run[]): Promise<Set<Run>> {
  const creating = runs.filter(({ from }) => from === 0);
  if (creating.length < 2) return new Set();
  try {
    await orders.insertMany(creating.map(documentOf), { ordered: false });
    return new Set(creating);
  } catch (error) {
    if (error instanceof MongoServerError) return new Set();
    throw error;
  }
}

async function apply(orders: Collection<OrderDocument>, run: Run): Promise<Applied> {
  if (await write(orders, run)) return 'applied';
  const current = await orders.findOne({ _id: run.id }, { projection: { version: 1 } });
  return current && current.version >= run.fields.version ? 'applied' : 'early';
}

/** False where the order is not at the version that is built on. */
async function write(orders: Collection<OrderDocument>, run: Run): Promise<boolean> {
  const { id, from, fields } = run;
  if (from > 0) {
    const { matchedCount } = await orders.updateOne({ _id: id, version: from }, { $set: fields });
    return matchedCount === 1;
  }
  try {
    await orders.insertOne(documentOf(run));
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

function runOf(change: Change): Run {
  if (change.kind === 'create') return { id: change.order.id, from: 0, fields: change.order, changes: [change] };
  const { id, version, to } = change;
  return { id, from: version - 1, fields: { ...to, version }, changes: [change] };
}

function runsOf(ofOrder: readonly Change[]): Run[] {
  const runs: Run[] = [];
  for (const next of ofOrder.map(runOf).toSorted((a, b) => a.from - b.from)) {
    const last = runs.at(-1);
    if (last?.fields.version !== next.from) runs.push(next);
    else {
      const fields = { ...last.fields, ...next.fields };
      runs.splice(-1, 1, { ...last, fields, changes: [...last.changes, ...next.changes] });
    }
  }
  return runs;
}

function idOf(change: Change): string {
  return change.kind === 'create' ? change.order.id : change.id;
}

function documentOf({ id, fields }: Run): OrderDocument {
  const { id: _id, ...order } = fields as OrderView;
  return { _id: id, eventId: id, ...order };
}

function ownedBy(owner: Owner): Filter<OrderDocument> {
  if (owner === 'anybody') return {};
  return owner === 'anonymous' ? { userId: { $exists: false } } : { userId: owner.userId };
}

/** An empty collection with the indexes of another. */
async function emptyLike(db: Db, model: string, name: string): Promise<Collection<OrderDocument>> {
  await db.dropCollection(name).catch(unless(NAMESPACE_NOT_FOUND));
  const created = await db.createCollection<OrderDocument>(name);
  const indexes = await db.collection(model).listIndexes().toArray();
  for (const { key, name: index, unique } of indexes) {
    if (index !== '_id_') await created.createIndex(key, { name: index, ...(unique === true && { unique }) });
  }
  return created;
}

/**
 * Puts a collection in another's place: at once where the server can; where it cannot (FerretDB), queries find nothing for a moment, and a change that
 * comes in between makes the collection anew, which is dropped again: a replay that goes on brings it back.
 */
async function replaceCollection(db: Db, name: string, by: string): Promise<void> {
  try {
    await db.renameCollection(by, name, { dropTarget: true });
    return;
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === NOT_IMPLEMENTED)) throw error;
  }
  for (let attempt = 1; ; attempt++) {
    await db.dropCollection(name).catch(unless(NAMESPACE_NOT_FOUND));
    try {
      await db.renameCollection(by, name);
      return;
    } catch (error) {
      const isBack = error instanceof MongoServerError && error.code === NAMESPACE_EXISTS;
      if (!isBack || attempt === SWAP_ATTEMPTS) throw error;
    }
  }
}

function unless(code: number): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof MongoServerError && error.code === code)) throw error;
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

/** Orders from before a field was there: of one line, paid for by nobody. */
function view({ _id, eventId: _eventId, ...order }: StoredDocument): OrderView {
  const { productId, qty, price, createdAt } = order;
  return {
    lines: [{ productId, qty, price }],
    total: qty * price,
    refunded: false,
    updatedAt: createdAt,
    ...order,
    id: _id,
  };
}
