import { once, EventEmitter } from 'node:events';
import { connect, type NodeConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { backoffMs, pause } from '../../backoff.ts';
import { type Logger, troubleLog } from '../../log.ts';

const RECONNECT = { firstMs: 100, maxMs: 1000 };
const PING_INTERVAL_MS = 5000;

/** A connection that is made anew for as long as the service lives, whatever ended it. */
export interface Connection {
  isConnected(): boolean;
  /** The live connection, once there is one. Rejects when the signal aborts first. */
  ready(signal: AbortSignal): Promise<NatsConnection>;
  /** Calls back each time that the connection was lost and is there again: what the broker held for it may be gone. */
  onReconnect(listener: () => void): () => void;
  close(): Promise<void>;
}

export interface BrokerAddress {
  uri: string;
  /** File with the certificate of the broker's own authority. */
  authorityFile?: string | undefined;
  /** Who connects. */
  name: string;
}

export function openConnection(address: BrokerAddress, log: Logger): Connection {
  const options = connectionOptions(address);
  const stopped = new AbortController();
  const changes = new EventEmitter<{ up: []; reconnect: [] }>().setMaxListeners(0);
  const state = troubleLog(log, 'connection to the broker');
  let live: NatsConnection | undefined;
  let up = false;

  const watch = async (connection: NatsConnection) => {
    for await (const status of connection.status()) {
      if (status.type === 'reconnect') {
        up = true;
        state.fine();
        changes.emit('up');
        changes.emit('reconnect');
      } else if (status.type === 'disconnect') {
        up = false;
        if (!stopped.signal.aborted) state.trouble(new Error('the connection was lost'));
      } else if (status.type === 'error') {
        log.warn({ err: status.error }, 'the broker complains');
      }
    }
  };
  const keepConnected = async () => {
    for (let failures = 1, first = true; !stopped.signal.aborted; failures++) {
      try {
        live = await connect(options);
        failures = 0;
        up = true;
        state.fine();
        changes.emit('up');
        if (!first) changes.emit('reconnect');
        first = false;
        void watch(live);
        const reason = await live.closed();
        if (!stopped.signal.aborted) state.trouble(reason ?? new Error('the connection was closed'));
      } catch (error) {
        state.trouble(error);
      }
      up = false;
      live = undefined;
      await pause(backoffMs(RECONNECT, failures + 1), stopped.signal);
    }
  };
  const kept = keepConnected();

  return {
    isConnected: () => up,
    async ready(signal) {
      const until = AbortSignal.any([signal, stopped.signal]);
      while (!up || !live) await once(changes, 'up', { signal: until });
      return live;
    },
    onReconnect(listener) {
      changes.on('reconnect', listener);
      return () => changes.off('reconnect', listener);
    },
    async close() {
      stopped.abort();
      await live?.close();
      await kept;
    },
  };
}

/**
 * Replies come to a subject of the user's own, so that one service cannot be allowed to read another's.
 * Refused logins are tried again too: the password may be in the middle of its rotation.
 */
function connectionOptions({ uri, authorityFile, name }: BrokerAddress): NodeConnectionOptions {
  const url = new URL(uri);
  const user = decodeURIComponent(url.username);
  const credentials = user === '' ? {} : { user, pass: decodeURIComponent(url.password) };
  return {
    ...credentials,
    ...(authorityFile && { tls: { caFile: authorityFile } }),
    servers: url.host,
    name,
    inboxPrefix: `_INBOX.${user || name}`,
    timeout: 2000,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => backoffMs(RECONNECT, 3),
    ignoreAuthErrorAbort: true,
    // Else every publication makes an error ahead of time, to know where it came from.
    noAsyncTraces: true,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
  };
}
