import { once } from 'node:events';
import { connect as connectTcp, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { Http2SubchannelConnector } from '@grpc/grpc-js/build/src/transport.js';

/** More than the first packet takes that has to be sent again. */
const TIMEOUT_MS = 2000;

/** What makes connections, one after the other; with what it keeps to itself of it. */
interface Connector {
  socket?: Socket;
  tcpConnect(address: TcpSocketConnectOpts): Promise<Socket>;
  connect(this: Connector, ...to: unknown[]): Promise<unknown>;
}

let areLimited = false;

/**
 * Gives up connections that are not up in time, so that others are tried. @grpc/grpc-js 1.14 waits for as long as the system does, which is
 * minutes (https://github.com/grpc/grpc-node/issues/2785): it was seen when a Service got its first pod just then, and all connections
 * were on their way to nowhere.
 */
export function limitConnecting(): void {
  if (areLimited) return;
  areLimited = true;
  const connector = Http2SubchannelConnector.prototype as unknown as Connector;
  const { connect } = connector;
  connector.tcpConnect = async function (this: Connector, address) {
    this.socket = connectTcp(address);
    await once(this.socket, 'connect');
    return this.socket;
  };
  connector.connect = async function (...to) {
    // Of its own: the session of one that was given up ends later, and would end the one that its connector has by then.
    const attempt = Object.create(this) as Connector;
    const giveUp = () => attempt.socket?.destroy(new Error(`not connected within ${TIMEOUT_MS} ms`));
    const timer = setTimeout(giveUp, TIMEOUT_MS).unref();
    try {
      return await connect.apply(attempt, to);
    } finally {
      clearTimeout(timer);
    }
  };
}
