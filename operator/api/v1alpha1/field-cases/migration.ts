import type { FieldCases } from './cases.ts';

const OBJECT_NAME = [['My Name', /should match/], ['', 'should be at least 1 chars long']] as const; // prettier-ignore

const timeout = (field: 'lockTimeout' | 'statementTimeout'): FieldCases => ({
  [`policy.${field}`]: {
    illegal: [['soon', new RegExp(`${field}.*should match`)], [5, 'must be of type string']],
    legal: { to: '7s', when: 'onCreation', acts: ({ run }) => (run()?.input.policy as Record<string, string>)?.[field], becomes: '7s' },
  },
}); // prettier-ignore

const RESTORE_POINTS = 'operator/controllers/migration/restore-points.int.test.ts';
const CONTROLLER = 'operator/controllers/migration/migration.int.test.ts';

export const migrationFields: FieldCases = {
  'platformRef.name': {
    illegal: [['Shop', /name.*should match/], ['a-name-that-is-far-too-long', 'may not be more than 24']],
    legal: { to: 'other', acts: ({ run }) => run()?.env.ADMIN_URI, becomes: 'other-postgres-admin' },
  },
  'target.secretRef.name': {
    illegal: OBJECT_NAME,
    legal: { to: 'other-postgres', acts: ({ run }) => run()?.env.ADMIN_URI, becomes: 'other-postgres' },
  },
  engine: {
    illegal: [['oracle', 'supported values: "postgres", "mongo"'], [1, 'must be of type string']],
    legal: { to: 'mongo', when: 'onCreation', acts: ({ run }) => run()?.env.ADMIN_URI, becomes: 'shop-mongo-admin' },
  },
  database: {
    illegal: [['Extra', /database.*should match/], ['postgres', 'belong to the database engines']],
    legal: { to: 'figures', when: 'onCreation', acts: ({ run }) => run()?.env.OWNER_ROLE, becomes: 'figures_owner' },
  },
  'source.configMapRef.name': {
    illegal: OBJECT_NAME,
    legal: { to: 'more-sql', acts: ({ run }) => Object.keys(run()?.files ?? {}).join(), becomes: '0002_more.up.sql' },
  },
  'source.inline[].version': {
    illegal: [['v1', /version.*should match/], [1, 'must be of type string']],
    legal: { to: '1', acts: ({ run }) => Object.keys(run()?.files ?? {}).join(), becomes: '1_first.up.sql', along: { 'source.inline[].name': 'first' } },
  },
  'source.inline[].name': {
    illegal: [['Init DB', /name.*should match/], ['x'.repeat(101), 'may not be more than 100']],
    legal: { to: 'begin', when: 'onCreation', acts: ({ run }) => Object.keys(run()?.files ?? {}).join(), becomes: '0001_begin.up.sql' },
  },
  'source.inline[].up': {
    illegal: [['', 'should be at least 1 chars long'], [['create table x()'], 'must be of type string']],
    legal: { to: 'create table y()', acts: ({ run }) => Object.values(run()?.files ?? {}).join(), becomes: 'create table y()' },
  },
  'source.release': {
    illegal: [['Orders', /release.*should match/], ['a-name-that-is-too-long-for-a-service', 'may not be more than 30']],
    legal: { to: 'keeper', acts: ({ run }) => run()?.copies, becomes: '/app/keeper/migrations' },
  },
  'source.inline[].down': {
    illegal: [['', 'should be at least 1 chars long'], [['drop table x'], 'must be of type string']],
    legal: { to: 'drop table y', acts: ({ run }) => run()?.files['0001_init.down.sql'], becomes: 'drop table y' },
  },
  mode: {
    illegal: [['DryRun', 'supported values: "Apply", "Plan"'], [true, 'must be of type string']],
    legal: { to: 'Plan', acts: ({ run }) => run()?.input.mode, becomes: 'Plan' },
  },
  toVersion: {
    illegal: [['newest', /toVersion.*should match/], [3, 'must be of type string']],
    legal: { to: '0001', acts: ({ run }) => run()?.input.toVersion, becomes: '0001' },
  },
  baseline: {
    illegal: [['v1', /baseline.*should match/], [1, 'must be of type string']],
    legal: { to: '0002', acts: ({ run }) => run()?.input.baseline, becomes: '0002' },
  },
  'after[].migration': {
    illegal: OBJECT_NAME,
    legal: { shownBy: `${CONTROLLER} › runs after those that it names, at the version that it names` },
  },
  'after[].version': {
    illegal: [['v1', /version.*should match/], [1, 'must be of type string']],
    legal: { shownBy: `${CONTROLLER} › runs after those that it names, at the version that it names` },
  },
  'policy.destructive': {
    illegal: [['Ask', 'supported values: "Reject", "RequireApproval", "Allow"'], ['Allow', 'approval needs policy.destructive: RequireApproval']],
    legal: { to: 'Allow', when: 'onCreation', along: { approval: undefined }, acts: ({ run }) => (run()?.input.policy as Record<string, string>)?.destructive, becomes: 'Allow' },
  },
  'policy.down': {
    illegal: [['Never', 'supported values: "Refuse", "Allow"'], [true, 'must be of type string']],
    legal: { to: 'Allow', when: 'onCreation', acts: ({ run }) => (run()?.input.policy as Record<string, string>)?.down, becomes: 'Allow' },
  },
  'approval.planHash': {
    illegal: [['latest', /planHash.*should match/], ['0123456789ABCDEF', /planHash.*should match/]],
    legal: { to: 'fedcba9876543210', when: 'onCreation', acts: ({ run }) => run()?.input.approvedPlan, becomes: 'fedcba9876543210' },
  },
  ...timeout('lockTimeout'),
  ...timeout('statementTimeout'),
  'policy.restorePoint': {
    illegal: [['Always', 'supported values: "Required", "Optional", "None"'], [true, 'must be of type string']],
    legal: { to: 'Optional', acts: ({ run }) => (run()?.input.restorePoint as Record<string, string>)?.policy, becomes: 'Optional', when: 'onCreation' },
  },
  'restorePoints.keep': {
    illegal: [[0, 'should be greater than or equal to 1'], [101, 'should be less than or equal to 100']],
    legal: { to: 7, acts: ({ run }) => (run()?.input.restorePoint as Record<string, unknown>)?.keep, becomes: 7, when: 'onCreation' },
  },
  'restorePoints.maxAge': {
    illegal: [['a month', /maxAge.*should match/], [720, 'must be of type string']],
    legal: { to: '48h', acts: ({ run }) => (run()?.input.restorePoint as Record<string, string>)?.maxAge, becomes: '48h', when: 'onCreation' },
  },
  'restorePoints.storage': {
    illegal: [['5 GB', /storage.*should match/], [5, 'must be of type string']],
    legal: { shownBy: `${RESTORE_POINTS} › makes a volume of its own when it is about to be needed, which stays` },
  },
  'restorePoints.storageClassName': {
    illegal: [['Fast SSD', /storageClassName.*should match/], ['', 'should be at least 1 chars long']],
    legal: { shownBy: `${RESTORE_POINTS} › makes a volume of its own when it is about to be needed, which stays` },
  },
  'restoreFrom.restorePoint': {
    illegal: [['The last', /restorePoint.*should match/], [1, 'must be of type string']],
    legal: { to: 'another', acts: ({ run }) => (run()?.input.restoreFrom as Record<string, string>)?.id, becomes: 'another' },
  },
}; // prettier-ignore
