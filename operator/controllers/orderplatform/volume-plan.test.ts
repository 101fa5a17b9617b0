import { expect, test } from '@jest/globals';
import type { PersistentVolumeClaim, StorageClass } from '../../runtime/index.ts';
import { planVolume } from './volume-plan.ts';

function claim(
  storage: string,
  status: PersistentVolumeClaim['status'] = {},
  className?: string,
): PersistentVolumeClaim {
  const spec = { resources: { requests: { storage } }, ...(className && { storageClassName: className }) };
  return { metadata: { name: 'data' }, spec, status };
}
const bound = (storage: string, message?: string) => ({
  phase: 'Bound',
  capacity: { storage },
  ...(message && { conditions: [{ type: 'FileSystemResizePending', status: 'True', message }] }),
});
const storageClass = (allowVolumeExpansion: boolean): StorageClass => ({
  metadata: { name: 'c' },
  provisioner: 'x',
  allowVolumeExpansion,
});

test.each<[string, string, PersistentVolumeClaim, StorageClass | undefined, object]>([
  ['is left alone that has the size', '1Gi', claim('1Gi', bound('1Gi')), undefined, { step: 'settled' }],
  ['is left alone that has it in other words', '1Gi', claim('1024Mi', bound('1073741824')), undefined, { step: 'settled' }],
  ['is left alone that is larger: a platform that is made again has its old volumes', '1Gi', claim('5Gi', bound('5Gi')), undefined, { step: 'settled' }],
  ['is left alone that has no volume yet', '1Gi', claim('1Gi'), undefined, { step: 'settled' }],
  ['grows where its class allows it', '2Gi', claim('1Gi', bound('1Gi'), 'c'), storageClass(true), { step: 'grow', from: '1Gi' }],
  ['waits for its volume before it grows', '2Gi', claim('1Gi', { phase: 'Pending' }, 'c'), storageClass(true), { step: 'await', message: 'it has no volume yet' }],
  ['is waited for that grows', '2Gi', claim('2Gi', bound('1Gi'), 'c'), undefined, { step: 'await', from: '1Gi' }],
  ['is waited for in the words of whoever makes it grow', '2Gi', claim('2Gi', bound('1Gi', 'waits for the pod'), 'c'), undefined, { step: 'await', message: 'waits for the pod' }],
  ['stays where its class does not allow it', '2Gi', claim('1Gi', bound('1Gi'), 'c'), storageClass(false), { step: 'refuse', message: expect.stringContaining('its StorageClass c does not let volumes grow') }],
  ['stays where its class is gone', '2Gi', claim('1Gi', bound('1Gi'), 'c'), undefined, { step: 'refuse', message: expect.stringContaining('its StorageClass c does not exist') }],
  ['stays where it has no class', '2Gi', claim('1Gi', bound('1Gi')), undefined, { step: 'refuse', message: expect.stringContaining('put storage back to 1Gi') }],
])('a volume %s', (_, wanted, found, ofClass, plan) => {
  expect(planVolume(wanted, found, ofClass)).toMatchObject(plan);
}); // prettier-ignore
