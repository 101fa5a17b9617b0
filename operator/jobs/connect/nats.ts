import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { JobError, messageOf } from '../failures.ts';
import type { Login } from './index.ts';

/** Streams and consumers have the same names in all platforms, so that a broker, or an account of one, is for one of them. This stream notes for which. */
export const NOTE = 'ORDERPLANE_PLATFORM';
const HOLDER = 'orderplane.dev/platform';

export async function loginToNats({ uri, authorityFile, platform, signal }: Login): Promise<void> {
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
    const manager = await jetstreamManager(connection).catch((error: unknown) => {
      const message = `NATS at ${host} has no JetStream for this user: ${messageOf(error)}`;
      throw new JobError('NoJetStream', message, { cause: error });
    });
    if (platform) await takeFor(platform, manager, host);
  } finally {
    await connection.close();
  }
}

/** Whoever makes the stream has the broker: the server makes it once, however many ask. */
async function takeFor(platform: string, { streams }: JetStreamManager, host: string): Promise<void> {
  const note = { name: NOTE, subjects: ['orderplane.platform'], max_msgs: 1, metadata: { [HOLDER]: platform } };
  const refusal = await streams.add(note).then(() => undefined, messageOf);
  const found = refusal === undefined ? note : await streams.info(NOTE).then(({ config }) => config, () => undefined); // prettier-ignore
  const holder = found?.metadata?.[HOLDER];
  if (holder === platform) return;
  if (!found) throw new JobError('NoJetStream', `NATS at ${host} does not let this user make the stream ${NOTE}: ${refusal}`); // prettier-ignore
  throw new JobError(
    'BrokerTaken',
    `NATS at ${host} is of OrderPlatform ${holder ?? 'nobody knows which'}, and both would read each other's events: use an account or a server of its own. If that platform is gone, hand the broker over: nats stream rm ${NOTE}`,
  );
}
