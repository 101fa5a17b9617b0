import { z } from 'zod';
import { objectName } from './fields.ts';
import { listMap, withRules } from './rules.ts';

const HOST_AND_PATH = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(\/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*$/;

const registry = withRules(
  z
    .string()
    .min(1)
    .max(255)
    .describe(
      "Registry that has copies of the release's images, stores' and Jobs' included: it takes the place of their own registry, and what follows that is kept. With registry.example/mirror, postgres:17 is pulled as registry.example/mirror/postgres:17. Images that you name yourself stay as they are.",
    ),
  [
    {
      cel: `self.matches('${HOST_AND_PATH.source.replaceAll('\\', '\\\\')}')`,
      message:
        'registry is a host and, if need be, port and path, such as registry.example:5000/mirror: without https://, without a slash at the end',
      holds: (value) => HOST_AND_PATH.test(value),
    },
  ],
);

export const images = z
  .object({
    registry: registry.optional(),
    pullSecrets: listMap(
      z.array(z.object({ name: objectName.describe('Name of the Secret, in the same namespace.') })).max(10),
      'name',
    )
      .describe(
        'Secrets of type kubernetes.io/dockerconfigjson that every pod of the platform pulls its images with, those of Jobs included.',
      )
      .optional(),
  })
  .describe('Where images come from.');
