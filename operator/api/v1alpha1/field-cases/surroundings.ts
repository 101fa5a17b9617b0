/** What the samples refer to: there in every namespace in which one is created. */
import {
  ConfigMaps,
  PersistentVolumeClaims,
  Secrets,
  type Client,
  type ConfigMap,
  type PersistentVolumeClaim,
  type Secret,
} from '../../../runtime/index.ts';
import { Migrations, OrderPlatforms, SeedJobs, type OrderPlatform } from '../objects.ts';

const SERVERS: Readonly<Record<string, string>> = {
  rds: 'postgres://admin:pw@rds.example:5432/postgres',
  atlas: 'mongodb://admin:pw@atlas.example:27017/',
  elasticache: 'rediss://admin:pw@elasticache.example:6380/1',
  'other-postgres': 'postgres://admin:pw@other-postgres.example:5432/postgres',
  'other-redis': 'redis://admin:pw@other-redis.example:6379',
  'other-mongo': 'mongodb://admin:pw@other-mongo.example:27017/',
};
const FILES: Readonly<Record<string, Record<string, string>>> = {
  sql: { '0001_init.up.sql': 'create table x()' },
  'more-sql': { '0002_more.up.sql': 'create table y()' },
  rows: { 'rows.csv': 'id\na', 'other.ndjson': '{"id":"a"}' },
  'more-rows': { 'rows.csv': 'id\nmore' },
};

const CLAIMS = ['files', 'more-files'];

/** Servers, files, claims, a Migration and a SeedJob that are named by the samples. */
export async function surround(client: Client, namespace: string): Promise<void> {
  const metadata = (name: string) => ({ name, namespace });
  for (const [name, uri] of Object.entries(SERVERS))
    await client.create(Secrets, { metadata: metadata(name), stringData: { uri } } as Secret);
  const auths = { '.dockerconfigjson': '{"auths":{}}' };
  await client.create(Secrets, { metadata: metadata('pull'), type: 'kubernetes.io/dockerconfigjson', stringData: auths } as Secret);
  for (const [name, data] of Object.entries(FILES))
    await client.create(ConfigMaps, { metadata: metadata(name), data } as ConfigMap);
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  for (const name of CLAIMS)
    await client.create(PersistentVolumeClaims, { metadata: metadata(name), spec: claim } as PersistentVolumeClaim);
  const platformRef = { name: 'shop' };
  const source = { inline: [{ version: '0001', name: 'init', up: 'create table x()' }] };
  await client.create(Migrations, { metadata: metadata('schema'), spec: { platformRef, engine: 'postgres', database: 'reports', source } });
  const dataset = { name: 'rows', engine: 'postgres', database: 'reports', table: 'x', key: ['id'], mode: 'Upsert', rows: [{ id: 'a' }] } as const;
  await client.create(SeedJobs, { metadata: metadata('templates'), spec: { platformRef, datasets: [{ ...dataset, key: ['id'], rows: [{ id: 'a' }] }] } });
} // prettier-ignore

const volume = { managed: { storage: '1Gi' } };
const keeping = (database: string) => [{ postgres: { database, access: 'Owner' as const } }, { mongo: { database } }];

/** What Migrations and SeedJobs work on: two platforms, each with the databases that their samples name. */
export async function createPlatforms(client: Client, namespace: string): Promise<void> {
  const services: OrderPlatform['spec']['services'] = [
    { name: 'keeper', image: 'registry.example/keeper:1', needs: keeping('reports') },
    { name: 'second', image: 'registry.example/keeper:1', needs: keeping('figures') },
    { name: 'inventory' },
  ];
  for (const name of ['shop', 'other']) {
    const spec = { stores: { postgres: volume, mongo: volume }, broker: { nats: volume }, services };
    await client.create(OrderPlatforms, { metadata: { name, namespace }, spec });
  }
}
