import { setTimeout as delay } from 'node:timers/promises';
import { AuthorizationError, connect, type NatsConnection } from '@nats-io/transport-node';
import type { Log } from '../../runtime/log.ts';
import type { ProvisionInput } from '../contract.ts';
import { JobError, messageOf } from '../failures.ts';

/** The kubelet brings a changed Secret into a running pod about once a minute. */
const LIMIT_MS = 240_000;
const POLL_MS = 1_000;
const ANSWER_MS = 2_000;

/**
 * Has the server read its configuration again and again, until the one that is wanted is in force: then its marker can log in. Connections
 * of users that are as before go on; those of users that are gone end.
 * @returns how many times the server had to be asked
 */
export async function reloadNats(
  { systemUser, marker }: NonNullable<ProvisionInput['nats']>,
  { uri, signal, log }: { uri: string; signal: AbortSignal; log: Log },
): Promise<number> {
  const { host, password } = new URL(uri);
  const as = (user: string) =>
    connect({ servers: host, user, pass: decodeURIComponent(password), timeout: ANSWER_MS, reconnect: false });
  const deadline = Date.now() + LIMIT_MS;
  for (let asked = 0; ; asked++) {
    let trouble = 'its changed configuration has not reached the pod';
    try {
      if (await isAccepted(as(marker))) return asked;
      await askToReload(await as(systemUser));
      if (await isAccepted(as(marker))) return asked + 1;
    } catch (error) {
      trouble = messageOf(error);
    }
    if (Date.now() > deadline) throw new JobError('Unreachable', `NATS does not take up its users: ${trouble}`);
    if (asked % 10 === 0) log.info({ trouble }, 'waiting for NATS to take up its users');
    await delay(POLL_MS, undefined, { signal });
  }
}

async function isAccepted(login: Promise<NatsConnection>): Promise<boolean> {
  try {
    await (await login).close();
    return true;
  } catch (error) {
    if (error instanceof AuthorizationError) return false;
    throw error;
  }
}

async function askToReload(connection: NatsConnection): Promise<void> {
  try {
    const subject = `$SYS.REQ.SERVER.${connection.info?.server_id}.RELOAD`;
    const answer = await connection.request(subject, '', { timeout: ANSWER_MS });
    const { error } = answer.json<{ error?: { description?: string } }>();
    if (error) throw new Error(error.description ?? JSON.stringify(error));
  } finally {
    await connection.close();
  }
}
