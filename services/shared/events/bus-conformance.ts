import { randomUUIDv7 } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { PlatformEvent } from '@orderplane/contracts/events.ts';
import { CodedError } from '../errors.ts';
import type { EncodedEvent, EventBus, Handled, Subscription } from './bus.ts';

/** A broker under test, with what the suite needs and a bus does not offer. */
export interface BrokerUnderTest {
  /** A new instance of one of the users `publisher`, `projection`, `audit`. */
  bus(user: string): EventBus;
  publishRaw(topic: string, body: string): Promise<void>;
  deadLetters(): Promise<{ topic: string; body: string; consumer: string; reason: string }[]>;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const TOPICS = ['order_created', 'order_confirmed', 'order_cancelled'] as const;

/** What every adapter of the event bus has to do. */
export function describeEventBus(adapter: string, startBroker: () => Promise<BrokerUnderTest>): void {
  let broker: BrokerUnderTest;
  const buses: EventBus[] = [];
  const open = (user: string) => {
    const bus = broker.bus(user);
    buses.push(bus);
    return bus;
  };

  beforeAll(async () => {
    broker = await startBroker();
  }, 600_000);
  afterEach(async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.close()));
  });
  afterAll(() => broker?.stop());

  const publisher = async () => {
    const bus = open('publisher');
    await bus.publisher.ready(AbortSignal.timeout(20_000));
    return bus.publisher;
  };
  const published = async (...events: EncodedEvent[]) => {
    const sender = await publisher();
    await Promise.all(events.map((event) => sender.publish(event)));
  };
  const deadLettersOf = async (event: { json: string }) =>
    (await broker.deadLetters()).filter(({ body }) => body === event.json);

  describe(adapter, () => {
    test('delivers each event of an order in order, to each consumer', async () => {
      const ids = Array.from({ length: 20 }, (): string => randomUUIDv7());
      await published(...ids.flatMap((id) => history(id)));
      for (const user of ['projection', 'audit']) {
        const seen = await collect(open(user), user, ids.length * 3, (event) => ids.includes(event.subject));
        for (const id of ids) {
          expect(seen.filter(({ subject }) => subject === id).map(({ type }) => type)).toEqual(TOPICS);
        }
      }
    }, 30_000);

    test('hands over the next event of an order before the last one is handled where that is asked for', async () => {
      const id = randomUUIDv7();
      await published(...history(id));
      const seen: string[] = [];
      const { promise: all, resolve } = Promise.withResolvers<void>();
      const handle = async ({ subject, type }: PlatformEvent): Promise<Handled> => {
        if (subject !== id) return 'done';
        seen.push(type);
        if (seen.length === TOPICS.length) resolve();
        await all;
        return 'done';
      };
      open('projection').consume({ ...subscription('projection', handle), pipelined: true });
      await all;
      expect(seen).toEqual(TOPICS);
    });

    test('stores an event once that is published again under its id', async () => {
      const event = created(randomUUIDv7());
      const last = created(randomUUIDv7());
      await published(event);
      await published(event, event);
      await published(last);
      const seen = await collect(open('projection'), 'projection', 2, ({ id }) => id === event.id || id === last.id);
      expect(seen.map(({ id }) => id)).toEqual([event.id, last.id]);
    });

    test('shares the work between instances of a consumer, and goes on where it was left', async () => {
      const ids = Array.from({ length: 40 }, (): string => randomUUIDv7());
      const wanted = (event: PlatformEvent) => ids.includes(event.subject);
      await published(...ids.slice(0, 20).map(created));
      const seen: PlatformEvent[] = [];
      const handle = async (event: PlatformEvent): Promise<Handled> => {
        if (wanted(event)) seen.push(event);
        return 'done';
      };
      const [one, two] = [broker.bus('projection'), broker.bus('projection')];
      for (const instance of [one, two]) instance.consume(subscription('projection', handle));
      await until(
        async () => seen.length,
        (count) => count >= 20,
      );
      await Promise.all([one.close(), two.close()]);
      await published(...ids.slice(20).map(created));
      open('projection').consume(subscription('projection', handle));
      await until(
        async () => seen.length,
        (count) => count >= 40,
      );
      expect(seen.map(({ subject }) => subject).toSorted()).toEqual(ids.toSorted());
    });

    test('delivers again what could not be handled, and in the end puts it aside with the reason', async () => {
      const [bad, good] = [created(randomUUIDv7()), created(randomUUIDv7())];
      await published(bad, good);
      let attempts = 0;
      const { promise: handled, resolve } = Promise.withResolvers<void>();
      open('projection').consume({
        name: 'projection',
        topics: TOPICS,
        maxDeliveries: 3,
        async handle({ id }) {
          if (id === bad.id) {
            attempts += 1;
            throw new Error('it has no price');
          }
          if (id === good.id) resolve();
          return 'done';
        },
      });
      await handled;
      const [letter, ...others] = await until(
        () => deadLettersOf(bad),
        (found) => found.length > 0,
      );
      expect(letter).toEqual({ topic: bad.topic, body: bad.json, consumer: 'projection', reason: 'it has no price' });
      expect(others).toEqual([]);
      expect(attempts).toBe(3);
      expect(await deadLettersOf(good)).toEqual([]);
    });

    test.each([
      ['is not JSON', 'not json'],
      [
        'is of no kind that is known',
        JSON.stringify({ ...JSON.parse(created(randomUUIDv7()).json), schemaversion: 99 }),
      ],
      ['came on another topic than its own', created(randomUUIDv7()).json],
    ])('puts aside at once what %s', async (_sentence, body) => {
      await broker.publishRaw('order_confirmed', body);
      open('projection').consume(subscription('projection', async () => 'done'));
      const letters = await until(
        () => deadLettersOf({ json: body }),
        (found) => found.length > 0,
      );
      expect(letters).toMatchObject([{ topic: 'order_confirmed', consumer: 'projection' }]);
    });

    test('delivers an early event again, after that on which it builds', async () => {
      const id = randomUUIDv7();
      const [first, second] = history(id) as [EncodedEvent, EncodedEvent];
      await published(second);
      const seen: string[] = [];
      const { promise: handled, resolve } = Promise.withResolvers<void>();
      const { promise: wasEarly, resolve: isEarly } = Promise.withResolvers<void>();
      const handle = async (event: PlatformEvent): Promise<Handled> => {
        if (event.subject !== id) return 'done';
        if (event.type === 'order_confirmed' && seen.length === 0) return (isEarly(), 'early');
        seen.push(event.type);
        if (seen.length === 2) resolve();
        return 'done';
      };
      open('projection').consume(subscription('projection', handle));
      await wasEarly;
      await published(first);
      await handled;
      expect(seen).toEqual(['order_created', 'order_confirmed']);
    });

    test('waits for what the consumer depends on, however long, without holding it against the event', async () => {
      const event = created(randomUUIDv7());
      await published(event);
      let attempts = 0;
      const { promise: handled, resolve } = Promise.withResolvers<void>();
      open('projection').consume({
        name: 'projection',
        topics: TOPICS,
        maxDeliveries: 2,
        async handle({ id }) {
          if (id !== event.id) return 'done';
          attempts += 1;
          if (attempts <= 4) throw new CodedError('SERVICE_UNAVAILABLE');
          resolve();
          return 'done';
        },
      });
      await handled;
      expect(await deadLettersOf(event)).toEqual([]);
    });

    test('finishes what it has in hand before it closes, and leaves the rest to its successor', async () => {
      const [inHand, left] = [created(randomUUIDv7()), created(randomUUIDv7())];
      await published(inHand);
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      const { promise: allowed, resolve: allow } = Promise.withResolvers<void>();
      const handled: string[] = [];
      const closing = broker.bus('projection');
      closing.consume(
        subscription('projection', async ({ id }) => {
          if (id === inHand.id) begin();
          await allowed;
          handled.push(id);
          return 'done';
        }),
      );
      await begun;
      const closed = closing.close();
      await published(left);
      allow();
      await closed;
      expect(handled).toContain(inHand.id);
      const successor = await collect(
        open('projection'),
        'projection',
        1,
        ({ id }) => id === left.id || id === inHand.id,
      );
      expect(successor.map(({ id }) => id)).toEqual([left.id]);
    });

    test('replays all from the beginning, beside the consumer, and then what has come since', async () => {
      const ids = Array.from({ length: 30 }, (): string => randomUUIDv7());
      await published(...ids.flatMap((id) => history(id)));
      const replay = await open('projection').replay({ name: 'projection', topics: TOPICS });
      const seen = new Map<string, string[]>(ids.map((id) => [id, []]));
      const remember = async ({ subject, type }: PlatformEvent) => void seen.get(subject)?.push(type);
      expect(await replay.catchUp(remember)).toBeGreaterThanOrEqual(ids.length * 3);
      expect([...seen.values()]).toEqual(ids.map(() => TOPICS));

      const later = randomUUIDv7();
      seen.set(later, []);
      await published(created(later));
      expect(await replay.catchUp(remember)).toBe(1);
      expect(seen.get(later)).toEqual(['order_created']);
      await replay.close();
    }, 30_000);

    test('ends a replay that lost the broker, rather than leave a gap', async () => {
      await published(created(randomUUIDv7()));
      const replay = await open('projection').replay({ name: 'projection', topics: TOPICS });
      await broker.kill();
      await broker.start();
      await expect(replay.catchUp(async () => undefined)).rejects.toThrow();
    }, 60_000);

    test('connects when the broker comes up after it', async () => {
      await broker.kill();
      const event = created(randomUUIDv7());
      const publishing = published(event);
      const seen = collect(open('audit'), 'audit', 1, ({ id }) => id === event.id);
      await broker.start();
      await publishing;
      expect((await seen).map(({ id }) => id)).toEqual([event.id]);
    }, 30_000);

    test('survives a crash of the broker: nothing that was stored is lost, and work goes on', async () => {
      const sender = await publisher();
      const before = created(randomUUIDv7());
      const after = created(randomUUIDv7());
      await sender.publish(before);
      const consumer = open('audit');
      // More than once is allowed: an acknowledgement may be lost in the crash.
      const seen = new Set<string>();
      consumer.consume(subscription('audit', async ({ id }) => (seen.add(id), 'done')));
      await until(() => consumer.check().then(() => true), Boolean);
      await broker.kill();
      await until(
        () =>
          consumer.check().then(
            () => false,
            () => true,
          ),
        Boolean,
      );
      await broker.start();
      await sender.ready(AbortSignal.timeout(20_000));
      await until(
        () =>
          sender.publish(after).then(
            () => true,
            () => false,
          ),
        Boolean,
      );
      await until(async () => seen.has(before.id) && seen.has(after.id), Boolean);
    }, 30_000);
  });
}

function subscription(name: string, handle: Subscription['handle']): Subscription {
  return { name, topics: TOPICS, handle };
}

/** Consumes until as many of the wanted events were handled; others are passed over. */
function collect(
  bus: EventBus,
  name: string,
  count: number,
  wanted: (event: PlatformEvent) => boolean,
): Promise<PlatformEvent[]> {
  const seen: PlatformEvent[] = [];
  return new Promise((resolve) => {
    const handle = async (event: PlatformEvent): Promise<Handled> => {
      if (wanted(event)) seen.push(event);
      if (seen.length === count) resolve(seen);
      return 'done';
    };
    bus.consume(subscription(name, handle));
  });
}

async function until<T>(ask: () => Promise<T>, isIt: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await ask().catch((error: unknown) => (Date.now() > deadline ? Promise.reject(error) : undefined));
    if (answer !== undefined && isIt(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`never came: the last answer was ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const DATA = {
  order_created: { productId: 'p1', qty: 1, price: 199 },
  order_confirmed: {},
  order_cancelled: { reason: 'test' },
} as const;

function history(orderId: string): EncodedEvent[] {
  return TOPICS.map((topic, index) => {
    const id = index === 0 ? orderId : randomUUIDv7();
    const json = JSON.stringify({
      specversion: '1.0',
      id,
      source: '/conformance',
      type: topic,
      subject: orderId,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      schemaversion: 1,
      aggregateversion: index + 1,
      data: DATA[topic],
    });
    return { id, topic, json };
  });
}

function created(orderId: string): EncodedEvent {
  return history(orderId)[0] as EncodedEvent;
}
