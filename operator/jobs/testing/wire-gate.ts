/** What stands between a Job and its server: it notes every request, and lets the Job die, or a connection or an answer get lost, at one of them. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { LOCKS } from '../migrate/mongo-lease.ts';
import { mongoWire, postgresWire, type Wire } from './wire.ts';

/**
 * What happens at a request, the `occurrence`-th in these words (from 1): every connection is cut before the server gets it; or the server
 * has done it, and the answer is not passed on: because every connection is cut then, or because the Job is killed or frozen, alone or with the server (`nodeKilled`); or the server has just
 * got it, when the Job or the server itself is killed.
 */
export interface WireFault {
  at: string;
  occurrence: number;
  kind: 'killed' | 'nodeKilled' | 'frozen' | 'cut' | 'answerLost' | 'killedMidway' | 'serverKilled';
}

/** Whether it strikes at a request of a lease: that is renewed by the clock, so a run that is faster than another has fewer of them. */
export const isByTheClock = ({ at }: WireFault): boolean => at.endsWith(` ${LOCKS}`);

export interface WireGate {
  /** `uri` with the gate in the place of the server. */
  uriOf(uri: string): string;
  /** In the order in which they came; with their occurrence. */
  requests: { at: string; occurrence: number }[];
  /** Resolves when the fault has struck; the Job or the server is to be killed or frozen then, and the answer passed on after. */
  struck: Promise<void>;
  hasStruck(): boolean;
  /** Lets the answer go that was held back. */
  passOn(): void;
  close(): Promise<void>;
}

const WIRES = { postgres: postgresWire, mongo: mongoWire } as const;

/** Starts a gate in front of a server on a port of localhost. */
export async function startWireGate(
  engine: keyof typeof WIRES,
  port: number,
  fault: WireFault | undefined,
): Promise<WireGate> {
  const requests: WireGate['requests'] = [];
  const counts = new Map<string, number>();
  const connections = new Set<Connection>();
  const struck = Promise.withResolvers<void>();
  let hasStruck = false;
  let held: (() => void) | undefined;

  const cutAll = (): void => {
    for (const { client, server } of connections) for (const socket of [client, server]) socket.destroy();
  };
  const note = (at: string): boolean => {
    const occurrence = (counts.get(at) ?? 0) + 1;
    counts.set(at, occurrence);
    requests.push({ at, occurrence });
    return !hasStruck && at === fault?.at && occurrence === fault.occurrence;
  };
  const strike = (): void => {
    hasStruck = true;
    struck.resolve();
  };

  const listener = createServer((client) => {
    const server = connect({ port, host: '127.0.0.1' });
    const connection: Connection = { client, server, wire: WIRES[engine](), isFaulty: false, answer: [] };
    connections.add(connection);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.setNoDelay(true).on('error', () => {});
      one.on('close', () => {
        other.destroy();
        connections.delete(connection);
      });
    }
    client.on('data', (chunk: Buffer) => {
      for (const { bytes, request, isUnanswered } of connection.wire.sent(chunk)) {
        const isFaulty = request !== undefined && note(request);
        if (isFaulty && fault?.kind === 'cut') {
          strike();
          return cutAll();
        }
        server.write(bytes);
        if (isFaulty && (isUnanswered || fault?.kind === 'killedMidway' || fault?.kind === 'serverKilled')) {
          strike();
          if (fault?.kind === 'answerLost') server.end(cutAll);
          continue;
        }
        connection.isFaulty ||= isFaulty;
      }
    });
    server.on('data', (chunk: Buffer) => {
      const isWhole = connection.wire.answered(chunk);
      if (!connection.isFaulty) return void client.write(chunk);
      connection.answer.push(chunk);
      if (!isWhole) return;
      connection.isFaulty = false;
      held = () => void client.write(Buffer.concat(connection.answer));
      strike();
      if (fault?.kind === 'answerLost') cutAll();
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    uriOf: (uri) => uri.replace(`:${port}/`, `:${(listener.address() as AddressInfo).port}/`),
    requests,
    struck: struck.promise,
    hasStruck: () => hasStruck,
    passOn: () => held?.(),
    async close() {
      listener.close();
      cutAll();
      await once(listener, 'close');
    },
  };
}

interface Connection {
  client: Socket;
  server: Socket;
  wire: Wire;
  /** A request at which the fault strikes is with the server; what it answers is kept. */
  isFaulty: boolean;
  answer: Buffer[];
}
