import { MongoClient, type Db, type Document } from 'mongodb';
import type { MongoUser, ProvisionInput } from '../contract.ts';
import { codeOf } from '../failures.ts';
import { MONGO, withMongo } from '../mongo.ts';
import type { Provisioner } from './index.ts';

/** Users live in the database `admin`, which is also where they authenticate. */
const USERS_DATABASE = 'admin';

/** Makes users as wanted, each with read and write on its databases; touches only what differs. */
export const provisionMongo: Provisioner<NonNullable<ProvisionInput['mongo']>> = (
  wanted,
  { uri, signal, log, passwordOf },
) =>
  withMongo({ uri, appName: 'orderplane-provision', signal }, async (client) => {
    const admin = client.db(USERS_DATABASE);
    let changes = 0;
    for (const [name, users] of Map.groupBy(wanted.users, (user) => user.name)) {
      const change = await ensureUser(admin, uri, name, users, await passwordOf(users[0] as MongoUser));
      if (!change) continue;
      log.info(`${change} user ${name}`);
      changes++;
    }
    for (const name of wanted.ended) {
      if (!(await findUser(admin, name))) continue;
      await admin.command({ dropUser: name });
      log.info(`dropped user ${name}`);
      changes++;
    }
    return changes;
  });

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
