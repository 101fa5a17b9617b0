import { holds, pending, type Fact } from '../../fact.ts';
import type { Scope } from '../scope.ts';

/** Whether customers can log in: while what keeps their accounts serves. Why it does not is told with the services. */
export function findIdentity({ platform, available }: Pick<Scope, 'platform' | 'available'>): Fact {
  const keeper = platform.services.find(({ keepsAccounts }) => keepsAccounts);
  if (!keeper) return holds('NotRequested', 'the platform has no accounts: the service users keeps them');
  if (!available.has(keeper.name)) return pending(`waits for service ${keeper.name}`);
  const { accessTokenTTL, refreshTokenTTL } = platform.identity;
  return holds('Ready', `${keeper.name} keeps accounts; tokens last ${accessTokenTTL}, logins ${refreshTokenTTL}`);
}
