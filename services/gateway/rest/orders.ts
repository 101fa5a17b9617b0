import type { Shop } from '../shop.ts';
import { isoTime, orderAnswer } from './answers.ts';
import { type Route, route } from './route.ts';
import {
  cancelledOrder,
  createdOrder,
  idParams,
  newOrder,
  order,
  orderPage,
  orderVersionQuery,
  pageQuery,
  trace,
} from './schemas.ts';

export function orderRoutes(shop: Shop): Route[] {
  return [
    route({
      method: 'POST',
      path: '/orders',
      tag: 'Orders',
      summary: 'Orders. The answer means that the order is stored; GET it to see what becomes of it.',
      access: 'orderer',
      body: newOrder,
      repeatable: true,
      status: 201,
      answer: createdOrder,
      fails: ['PRODUCT_NOT_FOUND', 'IDEMPOTENCY_KEY_REUSED'],
      handle: async ({ caller, body, idempotencyKey }) => {
        const { id, total, version, createdAt } = await shop.create(caller, body, idempotencyKey);
        return { id, lines: body.lines, total, status: 'PENDING' as const, version, createdAt: isoTime(createdAt) };
      },
    }),
    route({
      method: 'GET',
      path: '/orders',
      tag: 'Orders',
      summary: "The caller's orders, newest first; an admin's list has everybody's.",
      access: 'orderer',
      query: pageQuery,
      status: 200,
      answer: orderPage,
      handle: async ({ caller, query }) => {
        const { orders, next } = await shop.list(caller, query);
        return { items: orders.map(orderAnswer), next };
      },
    }),
    route({
      method: 'GET',
      path: '/orders/:id',
      tag: 'Orders',
      summary: 'One order, as far as its events have arrived.',
      access: 'orderer',
      params: idParams,
      query: orderVersionQuery,
      status: 200,
      answer: order,
      fails: ['ORDER_NOT_FOUND'],
      handle: async ({ caller, params, query }) => orderAnswer(await shop.get(caller, params.id, query.minVersion)),
    }),
    route({
      method: 'GET',
      path: '/orders/:id/trace',
      tag: 'Orders',
      summary: 'What happened to an order in all services, oldest first.',
      access: 'tracer',
      params: idParams,
      status: 200,
      answer: trace,
      fails: ['ORDER_NOT_FOUND'],
      handle: async ({ caller, params }) => {
        const { steps, correlationId, traceId } = await shop.trace(caller, params.id);
        return {
          steps: steps.map(({ eventId, causationId, type, service, occurredAt, detail, compensates }) => ({
            eventId,
            causationId,
            type,
            service,
            occurredAt: isoTime(occurredAt),
            detail,
            compensates,
          })),
          correlationId,
          traceId,
        };
      },
    }),
    route({
      method: 'POST',
      path: '/orders/:id/cancel',
      tag: 'Orders',
      summary: 'Cancels an order. What was reserved and paid for it is given back after the answer.',
      access: 'user',
      params: idParams,
      status: 202,
      answer: cancelledOrder,
      fails: ['ORDER_NOT_FOUND'],
      handle: async ({ caller, params: { id } }) => ({ id, version: (await shop.cancel(caller, id)).version }),
    }),
  ];
}
