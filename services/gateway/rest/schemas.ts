import { PAYMENT_METHODS } from '@orderplane/contracts/payments.ts';
import { PaymentStatus } from '@orderplane/contracts/gen/orderplane/payments/v1/payments_pb.js';
import { OrderStatus } from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import * as z from 'zod';

/** The schemas that the API's documentation names. */
export const named = z.registry<{ id: string }>();
const schema = <S extends z.ZodType>(id: string, shape: S): S => {
  named.add(shape, { id });
  return shape;
};

const MAX_INT32 = 2 ** 31 - 1;
export const MAX_QTY = 10_000;
export const MAX_LINES = 50;
export const MAX_PAGE = 100;
export const MAX_PRODUCTS = 500;

// What no database and no log can keep: control characters, and halves of characters.
const isPrintable = (text: string) => text.isWellFormed() && !/\p{Cc}/u.test(text);
const text = (max: number) => z.string().min(1).max(max).refine(isPrintable, 'must be printable text');
const opaque = (max: number) => z.string().regex(new RegExp(`^[\\x21-\\x7e]{1,${max}}$`), `must be 1 to ${max} printable ASCII characters`); // prettier-ignore
const secret = z.string().min(1).max(256).refine((value) => value.isWellFormed() && !value.includes('\0'), 'must be text'); // prettier-ignore
const email = z.email().max(254);
const time = z.iso.datetime();
const amount = z.int().describe("In the currency's smallest unit.");

export const idempotencyKey = opaque(128);
export const productId = text(128);
export const orderId = z.uuid();
export const cursor = opaque(256);

export const idParams = z.strictObject({ id: z.uuid() });
export const productParams = z.strictObject({ id: productId });
export const stockParams = z.strictObject({ productId });

const first = (fallback: number, max: number) => z.coerce.number().int().min(1).max(max).default(fallback);
export const pageQuery = z.strictObject({
  first: first(20, MAX_PAGE).describe('How many, at most.'),
  after: cursor.optional().describe('`next` of the page before.'),
});
export const productQuery = z.strictObject({
  search: text(100).optional().describe('Words that name or description contain.'),
  category: text(64).optional().describe('The id of a category.'),
  first: first(50, MAX_PRODUCTS).describe('How many, at most.'),
  after: cursor.optional().describe('`next` of the page before.'),
});
export const orderVersionQuery = z.strictObject({
  minVersion: z.coerce.number().int().min(0).max(MAX_INT32).default(0)
    .describe('Waits, for a bounded time, until the order is at this version: what a command answered.'), // prettier-ignore
});
export const paymentQuery = z.strictObject({ orderId: orderId.optional() });

// Bodies.
export const registerBody = schema('Registration', z.strictObject({ email, password: secret, name: text(100) }));
export const loginBody = schema('Credentials', z.strictObject({ email, password: secret }));
export const refreshBody = schema('RefreshToken', z.strictObject({ refreshToken: opaque(512) }));
export const profileBody = schema(
  'ProfileChange',
  z
    .strictObject({ name: text(100), email, currentPassword: secret, newPassword: secret })
    .partial()
    .refine((change) => Object.keys(change).length > 0, 'must change something')
    .refine(({ newPassword, currentPassword }) => newPassword === undefined || currentPassword !== undefined, {
      path: ['currentPassword'],
      message: 'is needed for a new password',
    }),
);
const paymentInstruction = schema(
  'PaymentInstruction',
  z.strictObject({
    method: z.enum(PAYMENT_METHODS),
    token: opaque(128).describe('Stands for a card or an account at the processor.'),
  }),
);
export const newLine = schema('NewLine', z.strictObject({ productId, qty: z.int().min(1).max(MAX_QTY) }));
export const newOrder = schema(
  'NewOrder',
  z.strictObject({
    lines: z
      .array(newLine)
      .min(1)
      .max(MAX_LINES)
      .refine((lines) => new Set(lines.map((line) => line.productId)).size === lines.length, 'must be of different products'), // prettier-ignore
    payment: paymentInstruction
      .optional()
      .describe('Paid as soon as the stock is reserved. Without it: POST /payments.'),
  }),
);
export type NewOrder = z.infer<typeof newOrder>;
export const newPayment = schema('NewPayment', z.strictObject({ orderId, ...paymentInstruction.shape }));

// Answers.
export const user = schema(
  'User',
  z.object({ id: z.string(), email: z.string(), name: z.string(), roles: z.array(z.string()), createdAt: time }),
);
export const tokens = schema(
  'Tokens',
  z.object({
    accessToken: z.string(),
    expiresIn: z.int().describe('In seconds.'),
    refreshToken: z.string().describe('Works once.'),
    refreshExpiresIn: z.int().describe('In seconds.'),
  }),
);
export const login = schema('Login', z.object({ user, tokens }));

export const product = schema(
  'Product',
  z.object({
    id: z.string(),
    name: z.string(),
    price: amount,
    description: z.string().optional(),
    categoryId: z.string().optional(),
    available: z.int().optional().describe('Absent: its stock is not kept, and it can always be ordered.'),
  }),
);
export const products = schema('Products', z.object({ items: z.array(product), next: z.string().nullable() }));
const category = schema('Category', z.object({ id: z.string(), name: z.string(), products: z.int() }));
export const categories = schema('Categories', z.object({ items: z.array(category) }));
export const stock = schema(
  'Stock',
  z.object({
    productId: z.string(),
    tracked: z.boolean(),
    onHand: z.int(),
    reserved: z.int(),
    available: z.int().optional().describe('Absent: not tracked.'),
  }),
);

const statuses = <E extends Record<string, string | number>>(values: E) =>
  Object.keys(values).filter((name) => Number.isNaN(Number(name)) && name !== 'UNSPECIFIED');
const orderLine = schema('OrderLine', z.object({ productId: z.string(), qty: z.int(), price: amount }));
export const order = schema(
  'Order',
  z.object({
    id: z.string(),
    status: z.enum(statuses(OrderStatus)),
    version: z.int().describe("How many of the order's events have arrived."),
    lines: z.array(orderLine),
    total: amount,
    userId: z.string().optional(),
    cancelReason: z.string().optional(),
    refunded: z.boolean(),
    createdAt: time,
    updatedAt: time.optional(),
  }),
);
export const orderPage = schema('Orders', z.object({ items: z.array(order), next: z.string().nullable() }));
export const createdOrder = schema(
  'CreatedOrder',
  z.object({
    id: z.string(),
    lines: z.array(newLine),
    total: amount,
    status: z.literal('PENDING'),
    version: z.int().describe('What to wait for with `minVersion`.'),
    createdAt: time,
  }),
);
export const cancelledOrder = schema('Cancellation', z.object({ id: z.string(), version: z.int() }));
const traceStep = schema(
  'TraceStep',
  z.object({
    eventId: z.string(),
    causationId: z.string().optional(),
    type: z.string(),
    service: z.string(),
    occurredAt: time,
    detail: z.string().optional(),
    compensates: z.boolean(),
  }),
);
export const trace = schema(
  'Trace',
  z.object({ steps: z.array(traceStep), correlationId: z.string(), traceId: z.string() }),
);

export const payment = schema(
  'Payment',
  z.object({
    id: z.string(),
    orderId: z.string(),
    userId: z.string().optional(),
    amount,
    method: z.string(),
    status: z.enum(statuses(PaymentStatus)),
    failureReason: z.string().optional(),
    createdAt: time,
    updatedAt: time.optional(),
  }),
);
export const payments = schema('Payments', z.object({ items: z.array(payment) }));

export const health = schema(
  'Health',
  z.object({
    status: z.enum(['ok', 'degraded']),
    services: z.record(z.string(), z.enum(['ok', 'unavailable'])),
  }),
);
