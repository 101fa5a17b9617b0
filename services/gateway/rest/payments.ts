import { ownerFilter } from '../access/principal.ts';
import type { Upstreams } from '../upstreams.ts';
import { paymentAnswer } from './answers.ts';
import { definedOnly } from './input.ts';
import { type Route, route } from './route.ts';
import { idParams, newPayment, payment, paymentQuery, payments as paymentList } from './schemas.ts';

/** None on a platform without payments. */
export function paymentRoutes({ payments }: Pick<Upstreams, 'payments'>): Route[] {
  if (!payments) return [];
  return [
    route({
      method: 'POST',
      path: '/payments',
      tag: 'Payments',
      summary: "Pays for an order of the caller's own. A refused charge is an answer too, with the status FAILED.",
      access: 'user',
      body: newPayment,
      repeatable: true,
      status: 201,
      answer: payment,
      fails: ['ORDER_NOT_PAYABLE', 'IDEMPOTENCY_KEY_REUSED'],
      handle: async ({ caller, body, idempotencyKey }) =>
        paymentAnswer(
          (await payments.createPayment({ ...body, userId: caller.id, ...definedOnly({ idempotencyKey }) })).payment,
        ),
    }),
    route({
      method: 'GET',
      path: '/payments',
      tag: 'Payments',
      summary: "The caller's payments, newest first; an admin's list has everybody's.",
      access: 'user',
      query: paymentQuery,
      status: 200,
      answer: paymentList,
      handle: async ({ caller, query }) => {
        const found = await payments.listPayments({ ...ownerFilter(caller), ...definedOnly(query) });
        return { items: found.payments.map(paymentAnswer) };
      },
    }),
    route({
      method: 'GET',
      path: '/payments/:id',
      tag: 'Payments',
      summary: 'One payment.',
      access: 'user',
      params: idParams,
      status: 200,
      answer: payment,
      fails: ['PAYMENT_NOT_FOUND'],
      handle: async ({ caller, params: { id } }) =>
        paymentAnswer((await payments.getPayment({ id, ...ownerFilter(caller) })).payment),
    }),
    route({
      method: 'POST',
      path: '/payments/:id/refund',
      tag: 'Payments',
      summary: 'Gives the whole amount back, which cancels the order.',
      access: 'user',
      params: idParams,
      status: 200,
      answer: payment,
      fails: ['PAYMENT_NOT_FOUND', 'NOT_REFUNDABLE'],
      handle: async ({ caller, params: { id } }) =>
        paymentAnswer((await payments.refundPayment({ id, ...ownerFilter(caller) })).payment),
    }),
  ];
}
