import { expect, test } from '@jest/globals';
import { keepManagers, managersOf, type ManagedFields } from './field-managers.ts';

const entry = (manager: string, fieldsV1: object): ManagedFields => ({ manager, operation: 'Update', fieldsV1 });
const managedFields = [
  entry('operator', { 'f:metadata': { 'f:labels': {} }, 'f:spec': { 'f:replicas': {}, 'f:template': {} } }),
  entry('autoscaler', { 'f:spec': { 'f:replicas': {} } }),
  entry('status', { 'f:status': { 'f:replicas': {} } }),
];

test('a field is managed by everybody who set it, also in what a cache keeps', () => {
  const kept = keepManagers(managedFields, ['spec.replicas']);
  for (const fields of [managedFields, kept]) {
    expect(managersOf({ metadata: { name: 'x', managedFields: fields } }, 'spec.replicas')).toEqual([
      'operator',
      'autoscaler',
    ]);
  }
  expect(kept).toEqual(['operator', 'autoscaler'].map((manager) => entry(manager, { 'f:spec': { 'f:replicas': {} } })));
  expect(managersOf({ metadata: { name: 'x' } }, 'spec.replicas')).toEqual([]);
});
