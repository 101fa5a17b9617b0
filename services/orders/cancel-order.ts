import { badInput } from '@orderplane/shared/errors.ts';
import { execute, type ExecuteDeps } from './order/execute.ts';
import { isText, isUuid } from './order/text.ts';

const MAX_REASON = 200;

export interface Cancellation {
  readonly id: string;
  readonly reason: string;
  readonly onlyProductId?: string | undefined;
  readonly userId?: string | undefined;
}

/** Cancels an order, also one that was confirmed; whoever holds its stock or money gives it back. Answers with its version after that. */
export async function cancelOrder(deps: ExecuteDeps, input: Cancellation): Promise<number> {
  const { id, reason, onlyProductId, userId } = input;
  if (!isUuid(id)) throw badInput('id', 'id must be the id of an order.');
  if (reason.length > MAX_REASON || !isText(reason)) {
    throw badInput('reason', `reason must be text of ${MAX_REASON} characters at most.`);
  }
  return execute(deps, id, { type: 'cancel_order', reason, onlyProductId, userId });
}
