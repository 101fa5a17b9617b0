import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findLostEvent, markBroker } from './broker.ts';

/** What NATS answers at /jsz, before and after the synthetic order. */
let answers: unknown[] = [];
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((_, response) =>
    response.end(JSON.stringify(answers.length > 1 ? answers.shift() : answers[0])),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const stream = (last_seq: number, consumer?: object) => ({
  account_details: [
    {
      stream_detail: [
        { name: 'DEAD_LETTERS', state: { last_seq: 99 } },
        {
          name: 'ORDERS',
          state: { last_seq },
          consumer_detail: consumer ? [{ name: 'order-query', ...consumer }] : [],
        },
      ],
    },
  ],
});

test.each<[string, unknown, unknown, string, RegExp]>([
  ['no stream: orders has never published', {}, {}, 'orders', /nothing has made the stream ORDERS/],
  ['a stream that has not grown: orders did not publish', stream(5), stream(5), 'orders', /published no event/],
  ['a stream without the consumer', stream(5), stream(6), 'order-query', /does not consume/],
  ['events that wait', stream(5), stream(7, { num_pending: 1, num_ack_pending: 1 }), 'order-query', /2 events wait/],
  ['everything consumed', stream(5), stream(6, { num_pending: 0 }), 'order-query', /consumed every event/],
])('%s', async (_, before, after, hop, why) => {
  answers = [before, after];
  const { signal } = new AbortController();
  const mark = await markBroker(url, signal);
  expect(await findLostEvent(url, mark, signal)).toEqual({ hop, why: expect.stringMatching(why) });
});
