import type { BookedOrder, Books } from './books.ts';

/** What does not add up, to the unit; nothing, where all does. `seeded`: how many there were of each product. */
export function faultsOf(books: Books, seeded: ReadonlyMap<string, number>): string[] {
  const facts = { ...byOrder(books), sold: soldPieces(books) };
  const faults = [...books.orders].flatMap(([id, order]) =>
    Object.values(CHECKS).flatMap((check) => check(id, order, facts) ?? []),
  );
  for (const { orderId } of [...books.charges, ...books.payments, ...books.reservations]) {
    if (!books.orders.has(orderId)) faults.push(`there is no order ${orderId}, which others know of`);
  }
  for (const [productId, count] of seeded) {
    const { onHand, reserved } = books.stock.find((row) => row.productId === productId) ?? { onHand: 0, reserved: 0 };
    const left = count - (facts.sold.get(productId) ?? 0);
    if (onHand !== left) faults.push(`${productId}: ${onHand} on hand, where ${left} should be left`);
    if (reserved !== 0) faults.push(`${productId}: ${reserved} are held for nobody`);
  }
  return faults;
}

interface Facts {
  readonly charges: ReadonlyMap<string, Books['charges'][number][]>;
  readonly payments: ReadonlyMap<string, Books['payments'][number][]>;
  readonly reservations: ReadonlyMap<string, Books['reservations'][number][]>;
}

const NOTHING_HELD = ['released', 'expired', 'rejected'];

type Check = (id: string, order: BookedOrder, facts: Facts) => string | undefined;

/** Named for the fault. */
const CHECKS: Readonly<Record<string, Check>> = {
  somethingTwice: (id, { types }) =>
    new Set(types).size === types.length ? undefined : `order ${id} has an event twice: ${types.join(', ')}`,
  chargedTwice(id, _order, { charges }) {
    const { length } = charges.get(id) ?? [];
    return length > 1 ? `order ${id} was charged ${length} times` : undefined;
  },
  wrongAmount(id, { total, lines }, { charges, payments }) {
    const due = lines.reduce((sum, { qty, price }) => sum + qty * price, 0);
    const asked = [...(charges.get(id) ?? []), ...(payments.get(id) ?? [])].map(({ amount }) => amount);
    const wrong = [total, ...asked].find((amount) => amount !== due);
    return wrong === undefined ? undefined : `order ${id} is ${due}, and ${wrong} was asked for it`;
  },
  confirmedUnpaid(id, { outcome }, { charges }) {
    const isPaid = charges.get(id)?.some(({ refunded }) => !refunded);
    return outcome === 'confirmed' && !isPaid ? `order ${id} is confirmed and was not paid` : undefined;
  },
  cancelledPaid(id, { outcome }, { charges }) {
    const isPaid = charges.get(id)?.some(({ refunded }) => !refunded);
    return outcome !== 'confirmed' && isPaid ? `order ${id} is cancelled (${outcome}), its money was kept` : undefined;
  },
  untoldRefund(id, { types }, { charges }) {
    const isRefunded = charges.get(id)?.some(({ refunded }) => refunded) ?? false;
    if (isRefunded === types.includes('order_refunded')) return undefined;
    return `order ${id} was ${isRefunded ? '' : 'not '}refunded, and does ${isRefunded ? 'not ' : ''}say so`;
  },
  otherThanProcessor(id, _order, { charges, payments }) {
    const [charge] = charges.get(id) ?? [];
    const expected = charge === undefined ? [undefined, 'FAILED'] : [charge.refunded ? 'REFUNDED' : 'SUCCEEDED'];
    const statuses = (payments.get(id) ?? [undefined]).map((payment) => payment?.status);
    const wrong = statuses.find((status) => !expected.includes(status));
    return wrong === undefined
      ? undefined
      : `order ${id}: payments says ${wrong}, the processor ${expected.join(' or ')}`;
  },
  otherThanStock(id, { outcome }, { reservations }) {
    const [{ status } = { status: 'none' }] = reservations.get(id) ?? [];
    const isRight = outcome === 'confirmed' ? status === 'committed' : NOTHING_HELD.includes(status);
    return isRight ? undefined : `order ${id} is ${outcome}, its reservation ${status}`;
  },
};

function byOrder({ charges, payments, reservations }: Books): Facts {
  return {
    charges: Map.groupBy(charges, ({ orderId }) => orderId),
    payments: Map.groupBy(payments, ({ orderId }) => orderId),
    reservations: Map.groupBy(reservations, ({ orderId }) => orderId),
  };
}

function soldPieces({ orders }: Books): Map<string, number> {
  const sold = new Map<string, number>();
  for (const { outcome, lines } of orders.values()) {
    if (outcome !== 'confirmed') continue;
    for (const { productId, qty } of lines) sold.set(productId, (sold.get(productId) ?? 0) + qty);
  }
  return sold;
}
