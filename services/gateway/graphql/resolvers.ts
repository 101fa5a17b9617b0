import { type Order, OrderStatus } from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import type { Product } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { badInput, CodedError, type ErrorCode } from '@orderplane/shared/errors.ts';
import { type Principal, requireUser } from '../access/principal.ts';
import { isoTime, orderAnswer, productAnswer, userAnswer } from '../rest/answers.ts';
import { definedOnly, parsed } from '../rest/input.ts';
import {
  idempotencyKey,
  newLine,
  newOrder,
  orderId,
  orderVersionQuery,
  pageQuery,
  productId,
  productQuery,
} from '../rest/schemas.ts';
import type { Shop } from '../shop.ts';
import type { Upstreams } from '../upstreams.ts';

/** What resolvers know of the request. */
export interface RequestFacts {
  /** Throws what is wrong with its token: fields that need nobody's answer all the same. */
  readonly principal: () => Principal;
  readonly idempotencyKey: string | undefined;
  readonly productOf: (id: string) => Promise<Product | undefined>;
}

type Arguments = Record<string, unknown>;
export type Resolver = (source: never, input: never, facts: RequestFacts) => unknown;
export type Resolvers = Readonly<Record<string, Readonly<Record<string, Resolver>>>>;

export function resolvers({ inventory, users }: Upstreams, shop: Shop): Resolvers {
  return {
    Query: {
      products: async (_: unknown, input: Arguments) => {
        const { first, category, search, after } = parsed(productQuery, withoutNulls(input));
        const page = await inventory.listProducts({ first, ...definedOnly({ search, categoryId: category, after }) });
        return page.products.map(productAnswer);
      },
      product: async (_: unknown, { id }: { id: string }) => {
        if (!productId.safeParse(id).success || id === VERIFICATION_PRODUCT) return null;
        return nullIf('PRODUCT_NOT_FOUND', async () => (await inventory.getProduct({ id })).product);
      },
      categories: async () => (await inventory.listCategories({})).categories,
      order: async (
        _: unknown,
        { id, minVersion }: { id: string; minVersion: number },
        { principal }: RequestFacts,
      ) => {
        const who = principal();
        shop.requireOrderer(who);
        if (!orderId.safeParse(id).success) return null;
        const { minVersion: version } = parsed(orderVersionQuery, { minVersion });
        return nullIf('ORDER_NOT_FOUND', async () => orderFields(await shop.get(who, id, version)));
      },
      orders: async (_: unknown, input: Arguments, { principal }: RequestFacts) => {
        const { orders, next } = await shop.list(principal(), parsed(pageQuery, withoutNulls(input)));
        return { items: orders.map(orderFields), next };
      },
      me: async (_: unknown, _input: Arguments, { principal }: RequestFacts) => {
        const { id: userId } = requireUser(principal());
        return nullIf('USER_NOT_FOUND', async () => userAnswer((await users?.getProfile({ userId }))?.user));
      },
    },
    Mutation: {
      createOrder: async (_: unknown, input: Arguments, { principal, idempotencyKey: key }: RequestFacts) => {
        const order = newOrderOf(withoutNulls(input));
        const given = parsed(idempotencyKey.optional(), key, 'Idempotency-Key');
        const created = await shop.create(principal(), order, given);
        return { ...created, ...order.lines[0], createdAt: isoTime(created.createdAt) };
      },
      cancelOrder: async (_: unknown, { id }: { id: string }, { principal }: RequestFacts) => {
        const who = principal();
        if (who.kind === 'anonymous') throw new CodedError('UNAUTHENTICATED');
        if (!orderId.safeParse(id).success) throw new CodedError('ORDER_NOT_FOUND');
        const { version } = await shop.cancel(who, id);
        return { id, status: 'CANCELLED', version };
      },
    },
    OrderLine: {
      product: (line: { productId: string }, _: unknown, { productOf }: RequestFacts) => productOf(line.productId),
    },
  };
}

/** Both forms of an order, as one. */
function newOrderOf({ productId: product, qty, ...rest }: Arguments) {
  if (product === undefined && qty === undefined) {
    if (rest.lines === undefined) throw badInput('productId', 'Give productId and qty, or lines.');
    return parsed(newOrder, rest);
  }
  if (rest.lines !== undefined) throw badInput('lines', 'Give either productId and qty, or lines.');
  return parsed(newOrder, { ...rest, lines: [parsed(newLine, { productId: product, qty })] });
}

async function nullIf<T>(code: ErrorCode, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CodedError && error.code === code) return null;
    throw error;
  }
}

function orderFields(order: Order) {
  const { productId: product, qty } = order;
  return { ...orderAnswer(order), productId: product, qty, status: OrderStatus[order.status] };
}

/** In GraphQL an argument that is null is one that was left out. Inputs have no prototype, which schemas take for something else than an object. */
function withoutNulls(input: Arguments): Arguments {
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    return typeof value === 'object' && value !== null ? withoutNulls(value as Arguments) : value;
  };
  const given = Object.entries(input).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, plain(value)]));
}
