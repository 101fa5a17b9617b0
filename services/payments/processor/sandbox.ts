import { setTimeout as delay } from 'node:timers/promises';
import { type PaymentMethod, PAYMENT_METHODS, SANDBOX_TOKENS } from '@orderplane/contracts/payments.ts';
import { type Pool, query } from '@orderplane/shared/postgres.ts';
import type { Charge, ChargeOutcome, Processor } from './processor.ts';

/** A processor that does what the token says. Its books are a table, on connections of its own: what it charged stands, whatever becomes of who asked. */
export function sandboxProcessor(pool: Pool, { latencyMs }: { latencyMs: number }): Processor {
  return {
    async charge(charge) {
      if (latencyMs > 0) await delay(latencyMs);
      const rows = await query<{ outcome: ChargeOutcome | 'closed' }>(
        pool,
        `insert into sandbox_charges (key, reference, amount, outcome) values ($1, $2, $3, $4)
         on conflict (key) do update set requests = sandbox_charges.requests + 1 returning outcome`,
        [charge.key, charge.reference, charge.amount, outcomeOf(charge)],
      );
      const outcome = rows[0]?.outcome ?? 'processor_error';
      return outcome === 'closed' ? 'order_cancelled' : outcome;
    },
    async giveBack({ key, reference, amount }) {
      const rows = await query<{ charged: boolean }>(
        pool,
        `insert into sandbox_charges (key, reference, amount, outcome) values ($1, $2, $3, 'closed')
         on conflict (key) do update set requests = sandbox_charges.requests + 1,
           refunded_at = case when sandbox_charges.outcome = 'charged' then coalesce(sandbox_charges.refunded_at, clock_timestamp()) end
         returning outcome = 'charged' as charged`,
        [key, reference, amount],
      );
      return rows[0]?.charged ? 'given_back' : 'nothing_charged';
    },
  };
}

function outcomeOf({ method, token }: Charge): ChargeOutcome {
  if (!PAYMENT_METHODS.includes(method as PaymentMethod)) return 'card_declined';
  const scripted = Object.hasOwn(SANDBOX_TOKENS, token) ? SANDBOX_TOKENS[token] : undefined;
  return scripted === 'succeeds' ? 'charged' : (scripted ?? 'card_declined');
}
