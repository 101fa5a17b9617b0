import { MongoClient, type Collection, type Db, type Document } from 'mongodb';
import type { MongoUser, ProvisionInput } from '../contract.ts';
import { codeOf, JobError } from '../failures.ts';
import { MONGO, withMongo } from '../mongo.ts';
import type { Provisioner } from './index.ts';
import { takenBy } from './taken.ts';

/** Users live in the database `admin`, which is also where they authenticate. */
const USERS_DATABASE = 'admin';

/** Makes users as wanted, each with read and write on its databases; touches only what differs. */
export const provisionMongo: Provisioner<NonNullable<ProvisionInput['mongo']>> = (
  wanted,
  { uri, signal, log, passwordOf },
) =>
  withMongo({ uri, appName: 'orderplane-provision', signal }, async (client) => {
    const admin = client.db(USERS_DATABASE);
    if (wanted.forPlatform !== undefined) await claimUsers(admin, wanted.users, wanted.forPlatform);
    let changes = 0;
    for (const [name, users] of Map.groupBy(wanted.users, (user) => user.name)) {
      const change = await ensureUser(admin, uri, name, users, await passwordOf(users[0] as MongoUser));
      if (!change) continue;
      log.info(`${change} user ${name}`);
      changes++;
    }
    for (const name of wanted.ended) {
      if (!(await findUser(admin, name))) continue;
      const holder = wanted.forPlatform && (await holders(admin).findOne({ _id: name }))?.platform;
      if (holder && holder !== wanted.forPlatform) continue;
      await admin.command({ dropUser: name });
      if (wanted.forPlatform !== undefined) await holders(admin).deleteOne({ _id: name });
      log.info(`dropped user ${name}`);
      changes++;
    }
    return changes;
  });

/** Whose a user is, on a server that several platforms use. A field of the user itself is not to be had on every server. */
function holders(admin: Db): Collection<{ _id: string; platform: string }> {
  return admin.collection('orderplane_logins');
}

/** Two platforms that use one server would take each other's passwords away. */
async function claimUsers(admin: Db, users: readonly MongoUser[], platform: string): Promise<void> {
  for (const name of new Set(users.map((user) => user.name))) {
    const held = await holders(admin).findOneAndUpdate(
      { _id: name },
      { $setOnInsert: { platform } },
      { upsert: true, returnDocument: 'after' },
    );
    if (!held || held.platform === platform) continue;
    const handOver = `db.getSiblingDB('${USERS_DATABASE}').orderplane_logins.deleteOne({_id: '${name}'})`;
    throw new JobError('LoginTaken', `user ${name} ${takenBy(held.platform)}: ${handOver}`);
  }
}

async function ensureUser(
  admin: Db,
  uri: string,
  name: string,
  users: readonly MongoUser[],
  password: string,
): Promise<'created' | 'altered' | undefined> {
  const roles = users.map((user) => ({ role: 'readWrite', db: user.database }));
  let existing = await findUser(admin, name);
  if (!existing) {
    try {
      await admin.command({ createUser: name, pwd: password, roles });
      return 'created';
    } catch (error) {
      if (codeOf(error) !== MONGO.userExists) throw error;
      existing = await findUser(admin, name); // another run was faster
    }
  }
  const sameRoles = JSON.stringify(rolesOf(existing)) === JSON.stringify(rolesOf({ roles }));
  if (sameRoles && (await canLogIn(uri, name, password))) return undefined;
  await admin.command({ updateUser: name, roles, pwd: password });
  return 'altered';
}

async function findUser(admin: Db, name: string): Promise<Document | undefined> {
  const { users } = (await admin.command({ usersInfo: name })) as { users: Document[] };
  return users[0];
}

function rolesOf(user: Document | undefined): string[] {
  const roles = (user?.roles ?? []) as { role: string; db: string }[];
  return roles.map(({ role, db }) => `${db}/${role}`).sort();
}

/** MongoDB does not tell what a password is: it can only be tried. */
async function canLogIn(uri: string, username: string, password: string): Promise<boolean> {
  const client = new MongoClient(uri, {
    auth: { username, password },
    authSource: USERS_DATABASE,
    serverSelectionTimeoutMS: 10_000,
  });
  try {
    await client.connect();
    await client.db(USERS_DATABASE).command({ ping: 1 });
    return true;
  } catch (error) {
    if (codeOf(error) === MONGO.authenticationFailed) return false;
    throw error;
  } finally {
    await client.close();
  }
}
