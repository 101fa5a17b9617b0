import type { FieldCase, FieldCases } from './cases.ts';
import type { Made } from './made.ts';

type Probe = 'startup' | 'readiness' | 'liveness';

/** What Kubernetes calls the field of a probe. */
const number = (probe: Probe, field: string, to: number, illegal: FieldCase['illegal']): FieldCases => ({
  [`services[].probes.${probe}.${field}`]: {
    illegal,
    legal: { to, acts: ({ container }) => (container('third')?.[`${probe}Probe`] as Record<string, unknown> | undefined)?.[field], becomes: to },
  },
}); // prettier-ignore

const probe = (name: Probe): FieldCases => ({
  [`services[].probes.${name}.path`]: {
    illegal: [['alive', /path.*should match/], ['/a b', /path.*should match/]],
    legal: { to: '/other', acts: ({ container }) => container('third')?.[`${name}Probe`]?.httpGet?.path, becomes: '/other' },
  },
  [`services[].probes.${name}.command`]: {
    illegal: [['alive', 'must be of type array'], [[], 'at least 1 items']],
    legal: { to: ['other'], acts: ({ container }) => container('fourth')?.[`${name}Probe`]?.exec?.command, becomes: ['other'] },
  },
  [`services[].probes.${name}.port`]: {
    illegal: [[0, 'greater than or equal to 1'], [70_000, 'less than or equal to 65535']],
    legal: { to: 9300, acts: ({ container }) => container('third')?.[`${name}Probe`]?.httpGet?.port, becomes: 9300 },
  },
  ...number(name, 'initialDelaySeconds', 7, [[-1, 'greater than or equal to 0'], [3601, 'less than or equal to 3600']]),
  ...number(name, 'periodSeconds', 8, [[0, 'greater than or equal to 1'], [3601, 'less than or equal to 3600']]),
  ...number(name, 'timeoutSeconds', 6, [[0, 'greater than or equal to 1'], [3601, 'less than or equal to 3600']]),
  ...number(name, 'failureThreshold', 9, [[0, 'greater than or equal to 1'], [1001, 'less than or equal to 1000']]),
}); // prettier-ignore

const WORKLOADS = 'operator/controllers/orderplatform/workloads.int.test.ts';
const OBJECT_NAME = [
  ['My Name', /name.*should match/],
  ['', 'should be at least 1 chars long'],
] as const;
const KEY = [
  ['a key', /key.*should match/],
  ['', 'should be at least 1 chars long'],
] as const;
const FLAG = [
  ['yes', 'must be of type boolean'],
  [1, 'must be of type boolean'],
] as const;

/** Pods of the samples wait for no key that is not there: other values are seen on a Deployment where they are optional. */
const reference = (kind: 'secretKeyRef' | 'configMapKeyRef', service: string): FieldCases => {
  const path = `services[].env[].valueFrom.${kind}`;
  const of = (field: 'name' | 'key' | 'optional', to: string | boolean, illegal: FieldCase['illegal']): FieldCases => ({
    [`${path}.${field}`]: { illegal, legal: { to, acts: ({ container }) => container(service)?.env?.find(({ name }) => name === 'FLAGS')?.valueFrom?.[kind]?.[field], becomes: to } },
  });
  return { ...of('name', 'others', OBJECT_NAME), ...of('key', 'any', KEY), [`${path}.optional`]: { illegal: FLAG, legal: { shownBy: `${WORKLOADS} › is waited for where a Secret has it, and rolls the pods when it changes there` } } };
}; // prettier-ignore

const scaling = (field: string, to: number, acts: (spec: Record<string, unknown>) => unknown): FieldCases => ({
  [`services[].autoscaling.${field}`]: {
    illegal: [[0, 'greater than or equal to 1'], [field.endsWith('Replicas') ? 51 : 1001, 'less than or equal to']],
    legal: { to, acts: ({ find }) => acts((find('HorizontalPodAutoscaler', 'shop-second') as { spec?: Record<string, unknown> })?.spec ?? {}), becomes: to },
  },
}); // prettier-ignore

const cron = (field: string, to: string, illegal: FieldCase['illegal']): FieldCases => ({
  [`services[].${field}`]: { illegal, legal: { to, acts: ({ find }) => (find('CronJob', 'shop-nightly') as { spec?: Record<string, unknown> })?.spec?.[field], becomes: to } },
}); // prettier-ignore

type Claim = { accessModes?: string[]; storageClassName?: string; resources?: { requests?: { storage?: string } } };
const claim = ({ find }: Made, name: string) =>
  (find('PersistentVolumeClaim', name) as { spec?: Claim } | undefined)?.spec;

/** How services run: type, schedule, probes, scaling, volumes, and where values come from. */
export const workloadFields: FieldCases = {
  'services[].type': {
    illegal: [['Daemon', 'supported values: "Deployment", "CronJob"'], ['cronjob', 'supported values: "Deployment", "CronJob"']],
    legal: { shownBy: `${WORKLOADS} › takes the place of a Deployment, and gives it back, with nothing left over` },
  },
  ...cron('schedule', '30 1 * * *', [['nightly', 'schedule has five fields'], ['60 * * * *', 'schedule has five fields']]),
  ...cron('timeZone', 'Europe/Paris', [['Europe Berlin', /timeZone.*should match/], ['', /timeZone.*should match/]]),
  ...cron('concurrencyPolicy', 'Replace', [['Never', 'supported values: "Allow", "Forbid", "Replace"'], ['forbid', 'supported values: "Allow", "Forbid", "Replace"']]),
  ...scaling('minReplicas', 2, ({ minReplicas }) => minReplicas),
  ...scaling('maxReplicas', 7, ({ maxReplicas }) => maxReplicas),
  ...scaling('targetCPUUtilizationPercentage', 60, ({ metrics }) => (metrics as { resource?: { target?: { averageUtilization?: number } } }[] | undefined)?.[0]?.resource?.target?.averageUtilization),
  ...probe('startup'),
  ...probe('readiness'),
  ...probe('liveness'),
  ...reference('secretKeyRef', 'third'),
  ...reference('configMapKeyRef', 'fourth'),
  'services[].needs[].volume.name': {
    illegal: [['My Disk', /name.*should match/], ['a-name-that-is-too-long-for-a-volume', 'may not be more than 30']],
    legal: { to: 'spare', acts: ({ deployment }) => JSON.stringify(deployment('fourth')?.spec?.template.spec?.volumes), becomes: '"claimName":"shop-spare"' },
  },
  'services[].needs[].volume.mountPath': {
    illegal: [['data', 'mountPath is an absolute path'], ['/etc', 'are taken: mount the volume elsewhere']],
    legal: { to: '/files', acts: ({ container }) => container('fourth')?.volumeMounts?.map(({ mountPath }) => mountPath).join(), becomes: '/files' },
  },
  'services[].needs[].volume.readOnly': {
    illegal: FLAG,
    legal: { to: true, acts: ({ container }) => container('fourth')?.volumeMounts?.some(({ readOnly }) => readOnly), becomes: true },
  },
  'services[].needs[].optional': {
    illegal: FLAG,
    legal: { shownBy: `${WORKLOADS} › has what is optional once the platform has it` },
  },
  'volumes[].name': {
    illegal: [['My Disk', /name.*should match/], ['a-name-that-is-too-long-for-a-volume', 'may not be more than 30']],
    legal: { to: 'attic', acts: ({ find }) => find('PersistentVolumeClaim', 'shop-attic')?.metadata.name, becomes: 'shop-attic' },
  },
  'volumes[].storage': {
    illegal: [['10', /storage.*should match/], [10, 'must be of type string']],
    legal: { to: '3Gi', when: 'onCreation', acts: (made) => claim(made, 'shop-loft')?.resources?.requests?.storage, becomes: '3Gi' },
  },
  'volumes[].storageClassName': {
    illegal: [['Fast Disks', /storageClassName.*should match/], ['', 'should be at least 1 chars long']],
    legal: { to: 'fast', when: 'onCreation', acts: (made) => claim(made, 'shop-disk')?.storageClassName, becomes: 'fast' },
  },
  'volumes[].accessModes': {
    illegal: [[['Any'], 'supported values'], [[], 'at least 1 items']],
    legal: { to: ['ReadWriteMany'], when: 'onCreation', acts: (made) => claim(made, 'shop-disk')?.accessModes, becomes: ['ReadWriteMany'] },
  },
  'images.registry': {
    illegal: [['https://registry.example', 'without https://'], ['registry.example/', 'without a slash at the end']],
    legal: { to: 'mirror.example', acts: ({ container }) => container('inventory')?.image, becomes: 'mirror.example/' },
  },
  'images.pullSecrets[].name': {
    illegal: OBJECT_NAME,
    legal: { shownBy: `${WORKLOADS} › come from the registry that is named, with its pull secrets, in every pod; a missing secret is the cause` },
  },
}; // prettier-ignore
