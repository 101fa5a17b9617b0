import type * as z from 'zod';
import type { Method } from '../http.ts';
import type { Anonymous, Operator, User } from '../access/principal.ts';

/**
 * Who may call: anybody; a user; whoever may order (a user, and where the platform takes anonymous orders anybody); whoever may follow an order (a user,
 * and the operator with the scope `trace`).
 */
export type Access = 'public' | 'user' | 'orderer' | 'tracer';

interface Callers {
  public: undefined;
  user: User;
  orderer: User | Anonymous;
  tracer: User | Operator;
}

/** The only place where a route is described: it is validated, typed and documented by this. */
export interface Route<
  A extends Access = Access,
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  readonly method: Method;
  /** Below /api/v1. */
  readonly path: `/${string}`;
  readonly tag: string;
  readonly summary: string;
  readonly access: A;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** Whether the header Idempotency-Key makes it safe to repeat. */
  readonly repeatable?: boolean;
  /** What names the account that the body is an attempt at: such attempts have a limit of their own. */
  readonly account?: (body: z.infer<Body>) => string;
  readonly status: 200 | 201 | 202 | 204;
  /** None with 204. */
  readonly answer?: Answer;
  /** Codes that it may fail with beyond those of its input, its access and the limits. */
  readonly fails?: readonly string[];
  readonly handle: (call: Call<A, Params, Query, Body>) => Promise<z.input<Answer>>;
}

export interface Call<A extends Access, Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType> {
  readonly caller: Callers[A];
  readonly params: z.infer<Params>;
  readonly query: z.infer<Query>;
  readonly body: z.infer<Body>;
  readonly idempotencyKey: string | undefined;
}

/** Infers what `handle` gets from what the route declares. What it takes is narrower than what the list of all routes knows of it. */
export function route<
  A extends Access,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
>(declared: Route<A, Params, Query, Body, Answer>): Route {
  return declared as unknown as Route;
}
