import type { OrderLine } from '@orderplane/contracts/events.ts';
import { badInput } from '@orderplane/shared/errors.ts';
import { isText } from './text.ts';

export const MAX_LINES = 50;
export const MAX_QTY = 10_000;
/** What an int32 of the contracts can hold. */
export const MAX_TOTAL = 2_147_483_647;

type FieldOf = (index: number, field: 'productId' | 'qty') => string;
const ofLine: FieldOf = (index, field) => `lines[${index}].${field}`;

/** Throws BAD_USER_INPUT for lines that no order may have. `field` names what is wrong as the caller's input calls it. */
export function checkLines(lines: readonly Omit<OrderLine, 'price'>[], field: FieldOf = ofLine): void {
  if (lines.length === 0 || lines.length > MAX_LINES) {
    throw badInput('lines', `An order must have 1 to ${MAX_LINES} lines.`);
  }
  const seen = new Set<string>();
  lines.forEach(({ productId, qty }, index) => {
    if (productId === '' || productId.length > 128 || !isText(productId)) {
      throw badInput(field(index, 'productId'), 'productId must be 1 to 128 characters of text.');
    }
    if (seen.has(productId)) {
      throw badInput(field(index, 'productId'), `${productId} is in more than one line. Put it into one.`);
    }
    seen.add(productId);
    if (!Number.isInteger(qty) || qty < 1 || qty > MAX_QTY) {
      throw badInput(field(index, 'qty'), `qty must be a whole number from 1 to ${MAX_QTY}.`);
    }
  });
}

/** Throws BAD_USER_INPUT for a sum that no order may cost. */
export function totalOf(lines: readonly OrderLine[]): number {
  const total = lines.reduce((sum, { qty, price }) => sum + qty * price, 0);
  if (total > MAX_TOTAL) throw badInput('lines', `The order would cost ${total}, and may cost ${MAX_TOTAL} at most.`);
  return total;
}
