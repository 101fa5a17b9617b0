/** The protocols of the stores, as far as it takes to tell where on a connection one request ends and its answer. */
import { BSON } from 'mongodb';

/** A piece of what a Job sends, that is passed on as a whole. */
export interface Sent {
  bytes: Buffer;
  /** In words, where it is a request that the server answers: `INSERT INTO …`, `createIndexes orders`. */
  request?: string;
  /** The server says nothing to it: a piece of a COPY. */
  isUnanswered?: true;
}

/** Splits the two streams of one connection. */
export interface Wire {
  sent(chunk: Buffer): Sent[];
  /** Told what the server sent: whether the newest request is answered in full by it. */
  answered(chunk: Buffer): boolean;
}

/** Postgres without TLS: a request ends with a simple query, or with the Sync after the messages of an extended one, or is a piece or the end of a COPY. */
export function postgresWire(): Wire {
  // The first message has no type before its length.
  const fromClient = framed(
    (buffered, isFirst) => (isFirst ? buffered.readInt32BE(0) : 1 + buffered.readInt32BE(1)),
    5,
  );
  const fromServer = framed((buffered) => 1 + buffered.readInt32BE(1), 5);
  let unsent: Buffer[] = [];
  let text = '';
  return {
    sent: (chunk) =>
      fromClient(chunk).flatMap(({ message, isFirst }) => {
        const type = isFirst ? '' : String.fromCharCode(message[0] ?? 0);
        unsent.push(message);
        if (type === 'Q') text = message.toString('utf8', 5);
        if (type === 'P') text = message.toString('utf8', message.indexOf(0, 5) + 1);
        if (type === 'c') text = 'the end of COPY';
        if ('PBDE'.includes(type) && type !== '') return [];
        const bytes = Buffer.concat(unsent);
        unsent = [];
        if (type === 'd') return [{ bytes, request: 'a piece of COPY', isUnanswered: true as const }];
        const request = 'QSc'.includes(type) && type !== '' ? { request: nameOf(text) } : {};
        return [{ bytes, ...request }];
      }),
    // ReadyForQuery, or CopyInResponse.
    answered: (chunk) => fromServer(chunk).some(({ message }) => message[0] === 0x5a || message[0] === 0x47),
  };
}

const nameOf = (sql: string): string => (sql.split('\0')[0] ?? '').replace(/\s+/g, ' ').trim().slice(0, 60);

/** Requests of the driver's own. */
const NOT_COUNTED = new Set(['hello', 'ismaster', 'isMaster', 'saslStart', 'saslContinue', 'endSessions', 'ping']);
const OP_MSG = 2013;

/** MongoDB without TLS or compression. */
export function mongoWire(): Wire {
  const fromClient = framed((buffered) => buffered.readInt32LE(0), 4);
  const fromServer = framed((buffered) => buffered.readInt32LE(0), 4);
  let awaited: number | undefined;
  return {
    sent: (chunk) =>
      fromClient(chunk).map(({ message }) => {
        const request = message.readInt32LE(12) === OP_MSG ? commandOf(message) : undefined;
        if (!request) return { bytes: message };
        awaited = message.readInt32LE(4);
        return { bytes: message, request };
      }),
    answered: (chunk) => fromServer(chunk).some(({ message }) => message.readInt32LE(8) === awaited),
  };
}

/** The command of the first section: its own name and, where it has one, that of its collection. */
function commandOf(message: Buffer): string | undefined {
  const body = BSON.deserialize(message.subarray(21, 21 + message.readInt32LE(21)));
  const [name = '', target] = Object.entries(body)[0] ?? [];
  if (NOT_COUNTED.has(name)) return undefined;
  const collection = typeof target === 'string' ? target : body.collection;
  return typeof collection === 'string' ? `${name} ${collection.replace(/^db\w+\./, '')}` : name;
}

/** Cuts a stream into messages whose length is known from their first `headBytes`. */
function framed(
  lengthOf: (buffered: Buffer, isFirst: boolean) => number,
  headBytes: number,
): (chunk: Buffer) => { message: Buffer; isFirst: boolean }[] {
  let buffered: Buffer = Buffer.alloc(0);
  let isFirst = true;
  return (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    const messages: { message: Buffer; isFirst: boolean }[] = [];
    while (buffered.length >= headBytes) {
      const length = lengthOf(buffered, isFirst);
      if (buffered.length < length) break;
      messages.push({ message: buffered.subarray(0, length), isFirst });
      buffered = buffered.subarray(length);
      isFirst = false;
    }
    return messages;
  };
}
