import type { Upstreams } from '../upstreams.ts';
import { definedOnly } from './input.ts';
import { present, tokensAnswer, userAnswer } from './answers.ts';
import { type Route, route } from './route.ts';
import { login, loginBody, profileBody, refreshBody, registerBody, tokens, user } from './schemas.ts';

const emailOf = ({ email }: { email: string }) => email.toLowerCase();
const tokenOf = ({ refreshToken }: { refreshToken: string }) => refreshToken;

/** None on a platform without accounts. */
export function accountRoutes({ users }: Pick<Upstreams, 'users'>): Route[] {
  if (!users) return [];
  return [
    route({
      method: 'POST',
      path: '/auth/register',
      tag: 'Accounts',
      summary: 'Makes an account, and logs in.',
      access: 'public',
      body: registerBody,
      account: emailOf,
      status: 201,
      answer: login,
      fails: ['EMAIL_TAKEN'],
      handle: async ({ body }) => {
        const made = await users.register(body);
        return { user: userAnswer(made.user), tokens: tokensAnswer(made.tokens) };
      },
    }),
    route({
      method: 'POST',
      path: '/auth/login',
      tag: 'Accounts',
      summary: 'Logs in.',
      access: 'public',
      body: loginBody,
      account: emailOf,
      status: 200,
      answer: login,
      fails: ['INVALID_CREDENTIALS'],
      handle: async ({ body }) => {
        const found = await users.login(body);
        return { user: userAnswer(found.user), tokens: tokensAnswer(found.tokens) };
      },
    }),
    route({
      method: 'POST',
      path: '/auth/refresh',
      tag: 'Accounts',
      summary: 'Exchanges a refresh token for new tokens. It works once: used again later, it ends its login.',
      access: 'public',
      body: refreshBody,
      account: tokenOf,
      status: 200,
      answer: tokens,
      fails: ['UNAUTHENTICATED', 'TOKEN_REUSED'],
      handle: async ({ body }) => tokensAnswer((await users.refresh(body)).tokens),
    }),
    route({
      method: 'POST',
      path: '/auth/logout',
      tag: 'Accounts',
      summary: 'Ends a login: none of its tokens can be exchanged any more.',
      access: 'public',
      body: refreshBody,
      account: tokenOf,
      status: 204,
      handle: async ({ body }) => void (await users.logout(body)),
    }),
    route({
      method: 'GET',
      path: '/users/profile',
      tag: 'Accounts',
      summary: 'Who is logged in.',
      access: 'user',
      status: 200,
      answer: user,
      fails: ['USER_NOT_FOUND'],
      handle: async ({ caller }) => userAnswer(present((await users.getProfile({ userId: caller.id })).user)),
    }),
    route({
      method: 'PUT',
      path: '/users/profile',
      tag: 'Accounts',
      summary: 'Changes what is given. A new password needs the current one, and ends all other logins.',
      access: 'user',
      body: profileBody,
      status: 200,
      answer: user,
      fails: ['USER_NOT_FOUND', 'EMAIL_TAKEN'],
      handle: async ({ caller, body }) => {
        const { id: userId, sessionId } = caller;
        return userAnswer((await users.updateProfile({ userId, ...definedOnly({ ...body, sessionId }) })).user);
      },
    }),
  ];
}
