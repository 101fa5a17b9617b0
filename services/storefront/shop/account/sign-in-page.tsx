'use client';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { ask } from '../api.ts';
import { useVisit, type Visitor } from '../visit.tsx';
import { AccountsOnly } from './accounts-only.tsx';
import { Field, FormProblem, PASSWORD } from './field.tsx';
import { nextPage } from './next-page.ts';
import { useSubmit } from './use-submit.ts';

const WORDS = {
  'sign-in': { title: 'Sign in', path: 'session', other: 'register', ask: 'New here?', lead: 'Create an account' },
  register: {
    title: 'Create an account',
    path: 'account',
    other: 'sign-in',
    ask: 'Been here before?',
    lead: 'Sign in',
  },
} as const;

export interface SignInPageProps {
  kind: keyof typeof WORDS;
  next: string | undefined;
}

/** Signing in and registering: both end with a visitor who is signed in, where they wanted to be. */
export function SignInPage({ kind, next }: SignInPageProps) {
  const { title, path, other, ask: question, lead } = WORDS[kind];
  const router = useRouter();
  const { refresh, announce } = useVisit();
  const { busy, problem, onSubmit } = useSubmit(
    (values) => ask<Visitor>(path, { method: 'POST', body: values }),
    ({ name }) => {
      refresh();
      announce(`You are signed in as ${name}`);
      router.push(nextPage(next));
    },
  );
  const back = next === undefined ? '' : `?next=${encodeURIComponent(next)}`;
  return (
    <section className="slim" aria-labelledby="sign-in-title">
      <h1 id="sign-in-title">{title}</h1>
      <AccountsOnly>
        <form method="post" onSubmit={onSubmit} aria-labelledby="sign-in-title">
          {kind === 'register' && (
            <Field label="Name" name="name" autoComplete="name" required maxLength={100} problem={problem} />
          )}
          <Field
            label="Email"
            name="email"
            type="email"
            autoComplete="email"
            required
            maxLength={254}
            problem={problem}
          />
          {kind === 'register' ? (
            <Field label="Password" name="password" type="password" autoComplete="new-password" required {...PASSWORD} problem={problem} /> // prettier-ignore
          ) : (
            <Field label="Password" name="password" type="password" autoComplete="current-password" required problem={problem} /> // prettier-ignore
          )}
          <FormProblem problem={problem} />
          <button type="submit" className="button wide" aria-disabled={busy}>
            {busy ? 'One moment…' : title}
          </button>
        </form>
        <p className="aside">
          {question}{' '}
          <Link href={`/${other}${back}`} prefetch={false}>
            {lead}
          </Link>
        </p>
      </AccountsOnly>
    </section>
  );
}
