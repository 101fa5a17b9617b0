import http2 from 'node:http2';

type Ping = (error: null, durationMs: number, payload: Buffer) => void;

let areAnswered = false;

/**
 * Answers pings of HTTP/2 sessions that only finish their calls. Node sends none there, and @grpc/grpc-js 1.14 takes that for a lost
 * connection and drops those calls (https://github.com/grpc/grpc-node/issues/3068). They still have their deadlines.
 */
export function answerDrainingPings(): void {
  if (areAnswered) return;
  areAnswered = true;
  const { connect } = http2;
  http2.connect = ((...to: Parameters<typeof connect>) => {
    const session = connect(...to);
    const ping = session.ping.bind(session) as (...args: unknown[]) => boolean;
    session.ping = (...args: unknown[]) => {
      if (!session.closed || session.destroyed) return ping(...args);
      process.nextTick(args.at(-1) as Ping, null, 0, Buffer.alloc(8));
      return true;
    };
    return session;
  }) as typeof connect;
}
