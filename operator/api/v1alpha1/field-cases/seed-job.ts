import type { FieldCases } from './cases.ts';
import type { Made } from './made.ts';

const IDENTIFIER = [
  ['1st', /should match/],
  ['x'.repeat(64), 'may not be more than 63'],
] as const;
const OBJECT_NAME = [
  ['My Name', /should match/],
  ['', 'should be at least 1 chars long'],
] as const;
/** A field of the first dataset, as the Job is told it. */
const told = (field: string) => ({ run }: Made) => run()?.input.datasets?.[0]?.[field]; // prettier-ignore
const scheduled = (made: Made) => made.scheduled();

export const seedJobFields: FieldCases = {
  'platformRef.name': {
    illegal: [['Shop', /name.*should match/], ['a-name-that-is-far-too-long', 'may not be more than 24']],
    legal: { to: 'other', acts: ({ run }) => run()?.env.POSTGRES_ADMIN_URI, becomes: 'other-postgres-admin' },
  },
  'after[].migration': {
    illegal: OBJECT_NAME,
    legal: { to: 'absent', when: 'onCreation', acts: ({ says }) => says('Ready'), becomes: 'Migration absent does not exist' },
  },
  'after[].version': {
    illegal: [['v1', /version.*should match/], [1, 'must be of type string']],
    legal: { to: '0099', when: 'onCreation', acts: ({ says }) => says('Ready'), becomes: 'is at version 0001, and 0099 is required' },
  },
  'datasets[].name': {
    illegal: [['Rows', /name.*should match/], ['x'.repeat(64), 'may not be more than 63']],
    legal: { to: 'catalogue', acts: told('name'), becomes: 'catalogue' },
  },
  'datasets[].engine': {
    illegal: [['oracle', 'supported values: "postgres", "mongo"'], ['mongo', 'names a table, one for mongo a collection']],
    legal: { to: 'mongo', along: { 'datasets[].table': undefined, 'datasets[].collection': 'rows' }, acts: ({ run }) => run()?.env.MONGO_ADMIN_URI, becomes: 'shop-mongo-admin' },
  },
  'datasets[].database': {
    illegal: [['Reports', /database.*should match/], ['admin', 'belong to the database engines']],
    legal: { to: 'figures', acts: told('database'), becomes: 'figures' },
  },
  'datasets[].table': {
    illegal: IDENTIFIER,
    legal: { to: 'lines', acts: told('table'), becomes: 'lines' },
  },
  'datasets[].collection': {
    illegal: [['$rows', /collection.*should match/], ['x'.repeat(64), 'may not be more than 63']],
    legal: { to: 'lines', acts: told('collection'), becomes: 'lines' },
  },
  'datasets[].key': {
    illegal: [[[], 'at least 1 items'], [['not a column'], /key.*should match/]],
    legal: { to: ['code'], acts: told('key'), becomes: ['code'] },
  },
  'datasets[].mode': {
    illegal: [['Truncate', 'supported values: "InsertOnly", "Upsert", "Replace"'], ['upsert', 'supported values: "InsertOnly", "Upsert", "Replace"']],
    legal: { to: 'InsertOnly', acts: told('mode'), becomes: 'InsertOnly' },
  },
  'datasets[].rows': {
    illegal: [[[], 'at least 1 items'], [['p1'], 'must be of type object']],
    legal: { to: [{ id: 'b', code: 2 }], acts: told('rows'), becomes: [{ id: 'b', code: 2 }] },
  },
  'datasets[].from.volume.claimName': {
    illegal: OBJECT_NAME,
    legal: { to: 'more-files', acts: told('file'), becomes: { path: '/volumes/more-files/rows.csv', format: 'csv' } },
  },
  'datasets[].from.volume.path': {
    illegal: [['/etc/passwd', /path.*should match/], ['../other/rows.csv', /path.*should match/], ['rows.xml', /path.*should match/]],
    legal: { to: '2026/rows.ndjson', acts: told('file'), becomes: { path: '/volumes/files/2026/rows.ndjson', format: 'ndjson' } },
  },
  'datasets[].from.configMapRef.name': {
    illegal: OBJECT_NAME,
    legal: { to: 'more-rows', acts: ({ run }) => run()?.files['rows.csv'], becomes: 'more' },
  },
  'datasets[].from.configMapRef.key': {
    illegal: [['a/rows.csv', /key.*should match/], ['rows.xml', /key.*should match/]],
    legal: { to: 'other.ndjson', acts: told('file'), becomes: { path: '/etc/orderplane/files/rows.ndjson', format: 'ndjson' } },
  },
  'datasets[].from.generator.kind': {
    illegal: [['customers', 'supported values: "products"'], ['', 'supported values: "products"']],
    legal: { shownBy: 'operator/resources/seed-run.test.ts › is told that Replace is confirmed, and of a generator all that decides its rows' },
  },
  'datasets[].from.generator.count': {
    illegal: [[0, 'greater than or equal to 1'], [10_000_001, 'less than or equal to 10000000']],
    legal: { to: 7, acts: told('generator'), becomes: { kind: 'products', count: 7, seed: 1 } },
  },
  'datasets[].from.generator.seed': {
    illegal: [[-1, 'greater than or equal to 0'], ['x', 'must be of type integer']],
    legal: { to: 2, acts: told('generator'), becomes: { kind: 'products', count: 5, seed: 2 } },
  },
  'schedule.cron': {
    illegal: [['daily', 'schedule has five fields'], ['0 2 * * * *', 'schedule has five fields']],
    legal: { to: '@hourly', acts: scheduled, becomes: '@hourly Europe/Berlin' },
  },
  'schedule.timeZone': {
    illegal: [['/', /timeZone.*should match/], ['x'.repeat(65), 'may not be more than 64']],
    legal: { to: 'UTC', acts: scheduled, becomes: '@yearly UTC' },
  },
  'schedule.concurrency': {
    illegal: [['Allow', 'supported values: "Forbid", "Replace"'], ['forbid', 'supported values: "Forbid", "Replace"']],
    legal: { shownBy: 'operator/controllers/seedjob/seedjob.int.test.ts › that comes due while the last run still runs: %s' },
  },
  'schedule.startingDeadlineSeconds': {
    illegal: [[9, 'greater than or equal to 10'], ['1h', 'must be of type integer']],
    legal: { shownBy: 'operator/controllers/seedjob/seedjob.int.test.ts › that came due too long ago is left out, and told of' },
  },
  confirm: {
    illegal: [['please', /confirm.*should match/], ['a'.repeat(33), 'may not be more than 32']],
    legal: { shownBy: 'operator/controllers/seedjob/seedjob.int.test.ts › of mode Replace runs when its token is set' },
  },
  revision: {
    illegal: [[2, 'must be of type string'], ['x'.repeat(254), 'may not be more than 253']],
    legal: { to: 'second', acts: ({ runs }) => runs(), becomes: 2 },
  },
}; // prettier-ignore
