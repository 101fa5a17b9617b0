/** What the roles of the services may do in their databases: rows, and nothing else. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { openCluster } from '../harness/cluster.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectPostgres } from '../harness/stores.ts';

const INSUFFICIENT_PRIVILEGE = '42501';

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'calm');
const clients = {
  inventory: await connectPostgres(platform, { role: 'inventory' }),
  orders: await connectPostgres(platform, { role: 'orders' }),
};

afterAll(async () => {
  await Promise.all(Object.values(clients).map((client) => client.end()));
  await cluster.close();
});

describe('the role of a service', () => {
  test.each([
    ['inventory', 'adds a table', 'create table mine (id int)'],
    ['inventory', 'adds a temporary table', 'create temporary table mine (id int)'],
    ['inventory', 'changes a table', 'alter table products add column colour text'],
    ['inventory', 'drops a table', 'drop table products'],
    ['inventory', 'empties a table', 'truncate products'],
    ['inventory', 'adds an index', 'create index on products (price)'],
    ['inventory', 'adds a schema', 'create schema mine'],
    ['inventory', 'adds a function', 'create function mine() returns int language sql return 1'],
    ['inventory', 'becomes the owner', 'set role inventory_owner'],
    ['orders', 'changes a table', 'alter table events drop column data'],
    ['orders', 'adds a role', 'create role mine'],
    ['orders', 'adds a database', 'create database mine'],
    ['orders', 'changes the ledger of migrations', 'delete from orderplane_migrations'],
  ] as const)('of %s is refused when it %s', async (service, _action, statement) => {
    await expect(clients[service].query(statement)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  test('changes rows', async () => {
    const { inventory } = clients;
    await inventory.query('begin');
    await inventory.query("insert into products values ('p9', 'Gadget', 5)");
    await inventory.query("update products set price = 6 where id = 'p9'");
    expect((await inventory.query("select price from products where id = 'p9'")).rows).toEqual([{ price: 6 }]);
    expect((await inventory.query("delete from products where id = 'p9'")).rowCount).toBe(1);
    await inventory.query('rollback');
  });

  test("does not get into another service's database", async () => {
    const foreign = connectPostgres(platform, { role: 'inventory', database: 'orders' });
    await expect(foreign).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });
});
