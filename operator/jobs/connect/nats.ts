import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { JobError, messageOf } from '../failures.ts';
import type { Login } from './index.ts';

export async function loginToNats({ uri, authorityFile, signal }: Login): Promise<void> {
  signal.throwIfAborted();
  const { host, username, password } = new URL(uri);
  const connection = await connect({
    servers: host,
    ...(username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    ...(authorityFile && { tls: { caFile: authorityFile } }),
    reconnect: false,
    timeout: 10_000,
    name: 'orderplane-connect',
  }).catch((error: unknown) => {
    const isRefused = /authorization/i.test(messageOf(error));
    throw new JobError(isRefused ? 'AuthenticationFailed' : 'Unreachable', messageOf(error), { cause: error });
  });
  try {
    await jetstreamManager(connection);
  } catch (error) {
    throw new JobError('NoJetStream', `NATS at ${host} has no JetStream for this user: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await connection.close();
  }
}
