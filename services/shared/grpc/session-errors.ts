import http2 from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';

let isGuarded = false;

/**
 * Sees to it that no HTTP/2 session of a client ends the process. @connectrpc/connect-node 2.2 takes its `error` listener off a session
 * that it gives up, as when a ping goes unanswered while another call connects anew; Node throws what that session still reports.
 * Calls learn of a failed session by their streams, so nothing is lost by listening.
 */
export function guardSessions(): void {
  if (isGuarded) return;
  isGuarded = true;
  const { connect } = http2;
  http2.connect = ((...args: Parameters<typeof connect>) => connect(...args).on('error', () => {})) as typeof connect;
  syncBuiltinESMExports();
}
