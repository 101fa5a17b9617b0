import { z } from 'zod';
import { duration, durationMs } from './fields.ts';
import { withRules, type Rule } from './rules.ts';

const builtIn = withRules(
  z.object({
    accessTokenTTL: duration
      .default('15m')
      .describe(
        'How long an access token is good for, from 1s to 24h. It cannot be called back before, so that this is how long somebody who is logged out may go on.',
      ),
    refreshTokenTTL: duration
      .default('168h')
      .describe(
        'How long a login lasts that nobody uses, from 1m to 8760h: a refresh token works once, and gives the next one.',
      ),
  }),
  [
    within('accessTokenTTL', '1s', '24h'),
    within('refreshTokenTTL', '1m', '8760h'),
    {
      cel: 'duration(self.refreshTokenTTL) > duration(self.accessTokenTTL)',
      message: 'refreshTokenTTL must be longer than accessTokenTTL, or nobody would stay logged in',
      holds: ({ accessTokenTTL, refreshTokenTTL }) => durationMs(refreshTokenTTL) > durationMs(accessTokenTTL),
    },
  ],
);

function within(
  field: 'accessTokenTTL' | 'refreshTokenTTL',
  least: string,
  most: string,
): Rule<{ accessTokenTTL: string; refreshTokenTTL: string }> {
  return {
    cel: `duration(self.${field}) >= duration('${least}') && duration(self.${field}) <= duration('${most}')`,
    message: `${field} must be between ${least} and ${most}`,
    holds: (value) => durationMs(value[field]) >= durationMs(least) && durationMs(value[field]) <= durationMs(most),
  };
}

export const identity = z
  .object({
    builtIn: builtIn
      .describe(
        'Accounts of the platform itself: the service users keeps them and signs their tokens. What a platform with that service has by default.',
      )
      .optional(),
    anonymousOrders: z
      .boolean()
      .optional()
      .describe(
        'Whether orders can be made without an account, through the gateway. Default true under profile dev, else false; profile prod does not have it.',
      ),
  })
  .describe('Who customers are, and how they show it.');
export type IdentitySpec = z.infer<typeof identity>;

interface Spec {
  profile: string;
  identity?: IdentitySpec | undefined;
  services: readonly { name: string }[];
}

const needsService = (field: keyof IdentitySpec, service: string): Rule<Spec> => ({
  cel: `!has(self.identity) || !has(self.identity.${field}) || self.services.exists(service, service.name == '${service}')`,
  message: `identity.${field} has no effect without the service ${service}: add it to services, or drop the field`,
  holds: ({ identity: given, services }) =>
    given?.[field] === undefined || services.some(({ name }) => name === service),
});

/** On the whole spec: what is said of identity has somebody to act on it, and prod keeps its door shut. */
export const identityRules: readonly Rule<Spec>[] = [
  needsService('builtIn', 'users'),
  needsService('anonymousOrders', 'gateway'),
  {
    cel: "!(self.profile == 'prod' && has(self.identity) && has(self.identity.anonymousOrders) && self.identity.anonymousOrders)",
    message:
      'profile prod takes no anonymous orders: drop identity.anonymousOrders and add the service users, so that customers have accounts, or use profile staging',
    holds: ({ profile, identity: given }) => !(profile === 'prod' && given?.anonymousOrders === true),
  },
];
