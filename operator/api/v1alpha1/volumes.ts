import { z } from 'zod';
import { serviceName, storage, storageClassName } from './fields.ts';
import { listMap, quoted, unchanged, withRules } from './rules.ts';

export const ACCESS_MODES = ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'] as const;

const volume = withRules(
  z.object({
    name: serviceName.describe('Name of the volume; its claim is called <platform>-<name>.'),
    storage: storage.describe(
      'Size of the volume, such as 10Gi. It can grow where its class allows that; a volume never shrinks.',
    ),
    storageClassName,
    accessModes: z
      .array(z.enum(ACCESS_MODES))
      .min(1)
      .max(4)
      .optional()
      .describe(
        'How nodes may mount it. Default ReadWriteOnce: from one node; a service that mounts it stops its old pod before the new one starts. Services that share it from several nodes need ReadWriteMany, and a class that has it.',
      ),
  }),
  [
    unchanged(
      'storageClassName',
      "''",
      'storageClassName cannot be changed: volumes do not move between classes. Add a volume of another name',
    ),
    unchanged('accessModes', "['ReadWriteOnce']", 'accessModes cannot be changed: add a volume of another name'),
  ],
);
export type VolumeSpec = z.infer<typeof volume>;

export const volumes = listMap(z.array(volume).max(20), 'name').describe(
  'Volumes that services can mount, alone or together, by needs.volume. They outlive the platform, and also stay when they are taken off this list.',
);

/** Folders that the operator mounts itself, or that a pod cannot run without. */
const RESERVED_PATHS = ['/tmp', '/proc', '/sys', '/dev', '/etc'];

export const mountPath = withRules(
  z.string().min(2).max(512).describe('Absolute path that the volume is mounted at, such as /data.'),
  [
    {
      cel: "self.matches('^(/[^/:]+)+$') && !self.contains('/../') && !self.endsWith('/..')",
      message: 'mountPath is an absolute path without a slash at the end, such as /data',
      holds: (path) => /^(\/[^/:]+)+$/.test(path) && !path.split('/').includes('..'),
    },
    {
      cel: `!(self in ${quoted(RESERVED_PATHS)})`,
      message: `${RESERVED_PATHS.join(', ')} are taken: mount the volume elsewhere, such as at /data`,
      holds: (path) => !RESERVED_PATHS.includes(path),
    },
  ],
);
