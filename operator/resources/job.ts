/** One run of a Job: the operator's own image, an input file, a result in the termination message. */
import type { ConfigMap, Job } from '../runtime/known-resources.ts';
import type { ObjectMeta, OwnerReference } from '../runtime/resource.ts';
import { INPUT_HASH_LABEL, MANAGED_BY_LABEL, PLATFORM_LABEL, RUN_LABEL, RUN_OF_LABEL } from './labels.ts';
import { AUTHORITY_KEY } from './authority.ts';
import { runName } from './names.ts';
import {
  NONROOT,
  pullsWith,
  restrictedContainer,
  restrictedPod,
  scratch,
  secretVariable,
  type Container,
  type EnvironmentVariable,
  type Volume,
  type VolumeMount,
} from './pod.ts';

export const JOB_CONTAINER = 'main';

/** What a Job does, apart from which run of it this is. */
export interface JobDefinition {
  namespace: string;
  owner: OwnerReference;
  /** Tells this Job of the owner from its others, such as provision-postgres. */
  purpose: string;
  /** Begins the names of the runs. */
  baseName: string;
  platform: string | undefined;
  command: 'provision' | 'migrate' | 'seed' | 'verify' | 'connect';
  image: string;
  /** Secrets that it pulls with. */
  pullSecrets: readonly string[];
  /** Decides whether it has run already. */
  inputHash: string;
  /** The input file; it is told the name of the run. */
  input(run: string): object;
  env: EnvironmentVariable[];
  /** Servers that it connects to: the variable for the URI, and the Secret that has it, for an external one with its authority. */
  servers?: { variable: string; secret: string; isExternal: boolean }[];
  /** Passwords that it reads, from passwords/<file>: the Secret, and the key in it. */
  passwords?: { secret: string; key: string; file: string }[];
  /** Migration files: as text, or copied out of a service's image. */
  migrations?: { files: Readonly<Record<string, string>> } | { image: string; directory: string };
  /** Noted on the Job. */
  annotations?: Readonly<Record<string, string>>;
  /** Files that it reads beside its input, by name. */
  files?: Readonly<Record<string, string>>;
  /** Claims that it reads files from. */
  readsClaims?: readonly string[];
  /** A volume that it writes to. */
  volume?: { claim: string; mountPath: string };
  /** Seconds after which a run that hangs is ended; undefined where it may take as long as it takes. */
  deadlineSeconds?: number;
}

const INPUT_FOLDER = '/etc/orderplane';
export const MIGRATIONS_FOLDER = '/migrations';
const INPUT_FILE = 'input.json';

/** Where a Job finds one of its `files`. */
export function filePath(name: string): string {
  return `${INPUT_FOLDER}/files/${name}`;
}

/** Where a Job finds the volume of one of the claims that it reads. */
export function claimFolder(claim: string): string {
  return `/volumes/${claim}`;
}

/** The objects of one run, in the order in which they are created. The same run gives the same objects. */
export function jobRun(job: JobDefinition, number: number): { config: ConfigMap; job: Job } {
  const metadata = runMetadata(job, number);
  const files = job.migrations && 'files' in job.migrations ? job.migrations.files : {};
  return {
    config: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      immutable: true,
      data: { [INPUT_FILE]: JSON.stringify(job.input(metadata.name)), ...files, ...job.files },
    },
    job: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { ...metadata, ...(job.annotations && { annotations: job.annotations }) },
      spec: {
        // Repeating is up to the operator, which can wait longer, and tell why.
        backoffLimit: 0,
        ...(job.deadlineSeconds && { activeDeadlineSeconds: job.deadlineSeconds }),
        template: { metadata: { labels: metadata.labels }, spec: podSpec(job, metadata.name, Object.keys(files)) },
      },
    },
  };
}

function runMetadata(job: JobDefinition, number: number): ObjectMeta {
  return {
    name: runName(job.baseName, job.inputHash, number),
    namespace: job.namespace,
    labels: {
      'app.kubernetes.io/name': job.command,
      'app.kubernetes.io/component': 'job',
      'app.kubernetes.io/part-of': 'orderplane',
      [MANAGED_BY_LABEL]: 'orderplane',
      ...(job.platform && { 'app.kubernetes.io/instance': job.platform, [PLATFORM_LABEL]: job.platform }),
      [RUN_OF_LABEL]: job.purpose,
      [RUN_LABEL]: String(number),
      [INPUT_HASH_LABEL]: job.inputHash,
    },
    ownerReferences: [job.owner],
  };
}

function podSpec(job: JobDefinition, run: string, files: string[]) {
  const migrations = migrationsVolume(job, run, files);
  const claims = claimVolumes(job);
  const written = job.volume ? [claimVolume(job.volume), scratch('tmp', '/tmp')] : [];
  return restrictedPod(NONROOT, {
    ...pullsWith(job.pullSecrets),
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 10,
    ...(migrations?.copy && { initContainers: [migrations.copy] }),
    containers: [
      restrictedContainer({
        name: JOB_CONTAINER,
        image: job.image,
        args: [job.command],
        env: [
          { name: 'ORDERPLANE_INPUT', value: `${INPUT_FOLDER}/${INPUT_FILE}` },
          ...serverVariables(job),
          ...job.env,
        ],
        resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '256Mi' } },
        volumeMounts: [
          { name: 'input', mountPath: INPUT_FOLDER, readOnly: true },
          ...(migrations ? [{ name: 'migrations', mountPath: MIGRATIONS_FOLDER, readOnly: true }] : []),
          ...[...claims, ...written].map(({ mount }) => mount),
        ],
      }),
    ],
    volumes: [
      inputVolume(job, run),
      ...(migrations ? [migrations.volume] : []),
      ...[...claims, ...written].map(({ volume }) => volume),
    ],
  });
}

function claimVolume({ claim, mountPath }: NonNullable<JobDefinition['volume']>): ReturnType<typeof scratch> {
  const name = 'written';
  return { volume: { name, persistentVolumeClaim: { claimName: claim } }, mount: { name, mountPath } };
}

function serverVariables({ servers = [] }: JobDefinition): EnvironmentVariable[] {
  return servers.flatMap(({ variable, secret, isExternal }) => [
    secretVariable(variable, secret, 'uri'),
    ...(isExternal ? [{ name: authorityVariable(variable), value: `${INPUT_FOLDER}/${authorityPath(variable)}` }] : []),
  ]);
}

/** The variable that names the file with the authority of a server; there is no file where its Secret has none. */
export function authorityVariable(uriVariable: string): string {
  return uriVariable.replace(/URI$/, 'CA_FILE');
}

function authorityPath(variable: string): string {
  return `ca/${variable.toLowerCase().replaceAll('_', '-')}.crt`;
}

/** A volume's name is shorter than a claim's may be, so they are counted. */
function claimVolumes({ readsClaims = [] }: JobDefinition): { volume: Volume; mount: VolumeMount }[] {
  return readsClaims.map((claimName, index) => ({
    volume: { name: `claim-${index}`, persistentVolumeClaim: { claimName, readOnly: true } },
    mount: { name: `claim-${index}`, mountPath: claimFolder(claimName), readOnly: true },
  }));
}

function inputVolume({ passwords = [], servers = [], files = {} }: JobDefinition, run: string): Volume {
  const items = Object.keys(files).map((name) => ({ key: name, path: `files/${name}` }));
  return {
    name: 'input',
    projected: {
      defaultMode: 0o440,
      sources: [
        { configMap: { name: run, items: [{ key: INPUT_FILE, path: INPUT_FILE }, ...items] } },
        ...passwords.map(({ secret, key, file }) => ({
          secret: { name: secret, items: [{ key, path: `passwords/${file}` }] },
        })),
        ...servers
          .filter(({ isExternal }) => isExternal)
          .map(({ variable, secret }) => ({
            secret: { name: secret, optional: true, items: [{ key: AUTHORITY_KEY, path: authorityPath(variable) }] },
          })),
      ],
    },
  };
}

function migrationsVolume(
  { migrations }: JobDefinition,
  run: string,
  files: string[],
): { volume: Volume; copy?: Container } | undefined {
  if (!migrations) return undefined;
  if ('files' in migrations) {
    return {
      volume: { name: 'migrations', configMap: { name: run, items: files.map((file) => ({ key: file, path: file })) } },
    };
  }
  const { volume, mount } = scratch('migrations', MIGRATIONS_FOLDER);
  const copy = restrictedContainer({
    name: 'copy-migrations',
    image: migrations.image,
    command: ['cp', '-r', `${migrations.directory}/.`, `${MIGRATIONS_FOLDER}/`],
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
    volumeMounts: [mount],
  });
  return { volume, copy };
}
