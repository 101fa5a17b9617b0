import { z } from 'zod';
import { exposure, networkPolicy, observability } from './exposure.ts';
import { STAGES } from './conditions.ts';
import { conditions, engine, observedGeneration, runFields, serviceName } from './fields.ts';
import { identity, identityRules } from './identity.ts';
import { images } from './images.ts';
import { CEL_ASKS_FOR_APPROVAL, asksForApproval, migrationPolicy, planHash } from './migration.ts';
import { restorePoints } from './restore-points.ts';
import { listMap, withRules } from './rules.ts';
import { service } from './service.ts';

import { broker, stores, volumeStatus } from './stores.ts';
import { volumes } from './volumes.ts';

const PROFILES = ['dev', 'staging', 'prod'] as const;
export type Profile = (typeof PROFILES)[number];

const planApproval = z.object({
  service: serviceName.describe('A service of the release that has migrations.'),
  planHash: planHash.describe(
    "Hash of the plan that may be carried out, as in status.planHash of the service's Migration. When the content of the pending files changes, the approval is void.",
  ),
});

const releaseMigrations = withRules(
  z.object({
    policy: migrationPolicy.optional(),
    restorePoints: restorePoints.optional(),
    approvals: listMap(z.array(planApproval).min(1).max(50), 'service')
      .optional()
      .describe('Your consent to plans that policy.destructive asks for, by service.'),
  }),
  [
    {
      cel: `!has(self.approvals) || (${CEL_ASKS_FOR_APPROVAL})`,
      message:
        'approvals need policy.destructive: RequireApproval, they have no effect otherwise: set that, or drop approvals',
      holds: ({ approvals, policy }) => approvals === undefined || asksForApproval(policy),
    },
  ],
);

const specFields = z.object({
  profile: z
    .enum(PROFILES)
    .default('dev')
    .describe(
      'Size of the platform. dev runs each service once and logs at DEBUG; staging runs it twice, prod three times, at INFO and spread over nodes and zones, with a PodDisruptionBudget. prod also scales services by their load, up to twice as many pods. Stores are not scaled by it.',
    ),
  version: z
    .string()
    .max(32)
    .regex(/^[0-9]+\.[0-9]+\.[0-9]+$/)
    .optional()
    .describe(
      "Release of the platform: the operator's own, or one that its images file lists. Another one is rolled out once its migrations are done, and back by the same edit. Left out, it is the operator's own, or the one that runs already.",
    ),
  upgrades: z
    .object({
      policy: z
        .enum(['OnRequest', 'Automatic'])
        .default('OnRequest')
        .describe(
          'OnRequest: a new operator restarts nothing; what it would change is in status.upgradeAvailable. Automatic: what a new operator makes of this platform is rolled out at once, a newer release included.',
        ),
      accepted: z
        .string()
        .max(64)
        .regex(/^[0-9a-f]+$/)
        .optional()
        .describe(
          'The revision in status.upgradeAvailable that is to be rolled out. It is good for what this revision offers, not for what comes after it.',
        ),
    })
    .optional()
    .describe('What becomes of this platform when the operator is upgraded.'),
  progressDeadlineSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .default(600)
    .describe(
      'Seconds that a stage may wait without getting on before the platform is Stalled with reason ProgressDeadlineExceeded. It is tried on all the same, and getting on ends it. A migration or seed that is at work gets on, however long it takes. Also how long the pods of a service may take to be replaced before the service is returned to its previous version.',
    ),
  suspend: z
    .boolean()
    .default(false)
    .describe(
      'Stop acting on this platform: nothing of it is made, changed, repaired or removed until this is false again, and its Migrations and SeedJobs start no runs. What runs goes on running. Deleting it works all the same.',
    ),
  deletionPolicy: z
    .enum(['Retain', 'Delete'])
    .default('Retain')
    .describe(
      'What becomes of data (volumes) and credentials (Secrets) when the platform is deleted; what runs is removed in any case. Retain keeps both: a platform of the same name takes them over. Delete removes both for good. Databases and roles on external servers are never dropped.',
    ),
  images: images.optional(),
  stores: stores.optional(),
  broker: broker.optional(),
  identity: identity.optional(),
  volumes: volumes.optional(),
  migrations: releaseMigrations
    .optional()
    .describe(
      'The migrations that services of the release bring along. Migrations of your own have their policy in their own spec.',
    ),
  services: listMap(z.array(service).max(50), 'name')
    .default([])
    .describe('What runs: services of the release, and your own.'),
  exposure: exposure.optional(),
  networkPolicy: networkPolicy.optional(),
  observability: observability.optional(),
});

export const orderPlatformSpec = withRules(specFields, [
  {
    cel: '!has(oldSelf.stores) || has(self.stores)',
    message: 'stores cannot be removed, their data would be left behind: delete the platform, or keep them',
  },
  {
    cel: '!has(oldSelf.broker) || has(self.broker)',
    message: 'broker cannot be removed, undelivered events would be lost: delete the platform, or keep the broker',
  },
  ...identityRules,
]).describe('What the platform is to be.');
export type OrderPlatformSpec = z.infer<typeof orderPlatformSpec>;

const component = z.object({
  name: z.string().max(63).describe('Name of the component, such as postgres or orders.'),
  kind: z.enum(['StatefulSet', 'Deployment', 'CronJob']).describe('What it runs as.'),
  ready: z.int().describe('Pods that are ready. For a CronJob, 1 unless its last run failed or cannot start.'),
  desired: z.int().describe('Pods that are wanted. For a CronJob, 1.'),
  version: z.string().max(512).optional().describe('Image that it runs.'),
  message: z.string().max(4096).optional().describe('Why it is not ready.'),
});
export type ComponentStatus = z.infer<typeof component>;

const migrationStatus = z.object({
  name: z.string().max(253).describe('Name of the Migration.'),
  ready: z.boolean().describe('Whether it is Ready.'),
  version: z.string().max(18).optional().describe('Version that the database is at.'),
  reason: z.string().max(100).optional().describe('Why it is not Ready, in one CamelCase word.'),
  message: z.string().max(4096).optional().describe('Why it is not Ready, and what to do where somebody has to.'),
});

const databaseStatus = z.object({
  engine,
  name: z.string().max(63).describe('Name of the database.'),
  store: z
    .string()
    .max(64)
    .describe('Identity of the store that it was made in: another volume or server is another store, and starts anew.'),
});
export type DatabaseStatus = z.infer<typeof databaseStatus>;

const runStatus = z.object({
  name: z.string().max(63).describe('What the run was for, such as provision-postgres.'),
  ...runFields,
});

const waitingStatus = z.object({
  stage: z.enum(STAGES).describe('Type of the condition that does not hold.'),
  since: z.iso.datetime().describe('When it began to wait, or last got on.'),
  done: z.int().describe('How far it has got: grows with what is there.'),
});

const keptRelease = z.object({
  version: z.string().max(32).describe('Version of the release.'),
  images: listMap(
    z
      .array(
        z.object({
          name: z.string().max(63).describe('What the image holds.'),
          image: z.string().max(512).describe('Reference of the image.'),
        }),
      )
      .max(50),
    'name',
  ).describe('Images of the release, before a registry of your own is put in.'),
});

const upgradeAvailable = z.object({
  revision: z.string().max(64).describe('What to put into spec.upgrades.accepted to have it.'),
  version: z.string().max(32).optional().describe('The release, where it is another.'),
  changes: z
    .array(z.string().max(1024))
    .max(100)
    .describe('What would change, by component. The pods of these components would be replaced.'),
});

export const orderPlatformStatus = z
  .object({
    observedGeneration: observedGeneration.optional(),
    version: z.string().max(32).optional().describe('Release that is running, or being rolled out.'),
    url: z.string().max(300).optional().describe('Where the platform is reached from outside of the cluster.'),
    services: z.string().max(16).optional().describe('Services that are available, of those wanted.'),
    components: listMap(z.array(component).max(100), 'name')
      .optional()
      .describe('Stores, broker and services, one by one.'),
    migrations: listMap(z.array(migrationStatus).max(100), 'name')
      .optional()
      .describe('The Migrations of this platform.'),
    databases: z.array(databaseStatus).max(200).optional().describe('Databases that exist, with their roles.'),
    release: keptRelease
      .optional()
      .describe('The release that this platform is kept at when the operator is upgraded.'),
    upgradeAvailable: upgradeAvailable
      .optional()
      .describe('What this operator would change of what an older one made, once it is asked to.'),
    waiting: listMap(z.array(waitingStatus).max(20), 'stage')
      .optional()
      .describe('Stages that wait: what the progress deadline is measured by.'),
    volumes: volumeStatus
      .optional()
      .describe('What the volumes of the managed stores and broker have been asked to have.'),
    runs: listMap(z.array(runStatus).max(20), 'name')
      .optional()
      .describe('The last finished run of each Job of the platform itself.'),
    lastHandledRotation: z
      .string()
      .max(253)
      .optional()
      .describe(
        'Value of the annotation orderplane.dev/rotate for which every credential of the services was replaced.',
      ),
    conditions: conditions.optional(),
  })
  .meta({ description: 'What the platform is.', default: { observedGeneration: -1 } });
export type OrderPlatformStatus = z.infer<typeof orderPlatformStatus>;
