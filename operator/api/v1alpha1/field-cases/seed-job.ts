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
    illegal: [['Replace', 'supported values: "InsertOnly", "Upsert"'], ['upsert', 'supported values: "InsertOnly", "Upsert"']],
    legal: { to: 'InsertOnly', acts: told('mode'), becomes: 'InsertOnly' },
  },
  'datasets[].rows': {
    illegal: [[[], 'at least 1 items'], [['p1'], 'must be of type object']],
    legal: { to: [{ id: 'b', code: 2 }], acts: told('rows'), becomes: [{ id: 'b', code: 2 }] },
  },
  revision: {
    illegal: [[2, 'must be of type string'], ['x'.repeat(254), 'may not be more than 253']],
    legal: { to: 'second', acts: ({ runs }) => runs(), becomes: 2 },
  },
}; // prettier-ignore
