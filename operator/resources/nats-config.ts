import { DEAD_LETTER_STREAM, deadLetterSubject, STREAMS, type Topic } from '@orderplane/contracts/topics.ts';
import { hashOf } from '../runtime/hash.ts';
import { PORTS } from './ports.ts';

export interface NatsUser {
  name: string;
  password: string;
  /** The service that it is for, whose durable consumers it reads: they outlast the user. */
  service: string;
  /** What it may publish and consume; undefined for the administrator, who may do everything. */
  topics: { publish: readonly string[]; consume: readonly string[] } | undefined;
  /** A program that is not ours takes replies on any inbox of its own; ours on `_INBOX.<name>`. */
  hasOwnInbox: boolean;
}

/** User of the server's own account, which may ask it to read its configuration again. Its password is the administrator's. */
export const SYSTEM_USER = 'system';

/**
 * A user that may do nothing, and whose name is the hash of who the users are and what they may: while it can log in, this configuration
 * is the one in force. Its password is the administrator's.
 */
export function configMarker(users: readonly NatsUser[]): string {
  return `config-${hashOf(users)}`;
}

/** The server's configuration. Every acked publish is on disk (`sync_interval: always`; the default is every two minutes). */
export function natsConfig(users: readonly NatsUser[]): string {
  const password = quoted(users.find(({ topics }) => !topics)?.password ?? '');
  return `# Written by Orderplane; changes are undone.
listen: "0.0.0.0:${PORTS.nats}"
http: "0.0.0.0:${PORTS.natsMonitoring}"
max_payload: 1MB
jetstream {
  store_dir: "/data"
  sync_interval: always
  max_memory_store: 64MB
}
authorization {
  timeout: 5
  users: [
${users.map((user) => `    ${userEntry(user, users)}`).join('\n')}
    { user: ${quoted(configMarker(users))}, password: ${password}, permissions: { publish: { deny: ">" }, subscribe: { deny: ">" } } }
  ]
}
system_account: SYS
accounts {
  SYS: { users: [{ user: ${quoted(SYSTEM_USER)}, password: ${password} }] }
}
`;
}

function userEntry(user: NatsUser, all: readonly NatsUser[]): string {
  const login = `user: ${quoted(user.name)}, password: ${quoted(user.password)}`;
  if (!user.topics) return `{ ${login} }`;
  const publish = publishSubjects(user.service, user.topics);
  const inbox = `_INBOX.${user.name}.>`;
  const subscribe = user.hasOwnInbox ? inbox : '_INBOX.>';
  const others = all
    .filter((other) => other.hasOwnInbox && other.name !== user.name)
    .map((other) => `_INBOX.${other.name}.>`);
  const deny = user.hasOwnInbox || others.length === 0 ? '' : `, deny: ${list(others)}`;
  const consumed = user.topics.consume.filter((topic) => streamOf(topic) === undefined);
  return `{ ${login}, permissions: { publish: { allow: ${list(publish)} }, subscribe: { allow: ${list([subscribe, ...consumed])}${deny} } } }`;
}

/**
 * What a user publishes, requests to JetStream's API included. A topic of the release is in its stream, read through a durable
 * consumer that is called like the service, and once more through `<service>-replay`; any other topic is a plain subject.
 */
function publishSubjects(service: string, { publish, consume }: NonNullable<NatsUser['topics']>): string[] {
  const streams = (topics: readonly string[]) => [
    ...new Set(topics.map(streamOf).filter((stream) => stream !== undefined)),
  ];
  const ensure = (stream: string) => [`$JS.API.STREAM.INFO.${stream}`, `$JS.API.STREAM.CREATE.${stream}`];
  const subjects = [
    ...publish,
    ...streams(publish).flatMap((stream) => [...ensure(stream), `$JS.API.STREAM.UPDATE.${stream}`]),
    ...streams(consume).flatMap((stream) => [
      ...ensure(stream),
      ...ensure(DEAD_LETTER_STREAM.name),
      `$JS.API.CONSUMER.INFO.${stream}.${service}`,
      `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${service}`,
      `$JS.API.CONSUMER.CREATE.${stream}.${service}`,
      `$JS.API.CONSUMER.CREATE.${stream}.${service}.>`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${service}`,
      `$JS.ACK.${stream}.${service}.>`,
      ...['INFO', 'DURABLE.CREATE', 'CREATE', 'MSG.NEXT', 'DELETE'].map(
        (request) => `$JS.API.CONSUMER.${request}.${stream}.${service}-replay`,
      ),
    ]),
    ...consume.filter((topic) => streamOf(topic) !== undefined).map(deadLetterSubject),
  ];
  return [...new Set(subjects)];
}

function streamOf(topic: string): string | undefined {
  return Object.keys(STREAMS).find((stream) => STREAMS[stream]?.includes(topic as Topic));
}

function list(values: readonly string[]): string {
  return `[${values.map(quoted).join(', ')}]`;
}

/** Names are DNS labels and topics, passwords base64url: nothing in them ends a string. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
