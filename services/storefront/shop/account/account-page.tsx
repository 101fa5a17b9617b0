'use client';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { ask } from '../api.ts';
import type { Profile } from '../model.ts';
import { asksToSignIn, explain } from '../ui/explain.ts';
import { Notice } from '../ui/notice.tsx';
import { useRemote } from '../ui/use-remote.ts';
import { useVisit } from '../visit.tsx';
import { AccountsOnly } from './accounts-only.tsx';
import { Field, FormProblem, PASSWORD } from './field.tsx';
import { SignInFirst } from './sign-in-first.tsx';
import { useSubmit } from './use-submit.ts';

const NOTHING = {};

export function AccountPage() {
  return (
    <section className="slim" aria-labelledby="account-title">
      <h1 id="account-title">Your account</h1>
      <AccountsOnly>
        <Account />
      </AccountsOnly>
    </section>
  );
}

function Account() {
  const { data, problem, reload } = useRemote<Profile>(NOTHING, loadProfile);
  if (problem && asksToSignIn(problem)) return <SignInFirst next="/account" why="It takes you to show you yours." />;
  return (
    <>
      {problem && <Notice {...explain(problem)} />}
      {!data && !problem && <p className="empty">Loading your account…</p>}
      {data && (
        <>
          <ProfileForm profile={data} onChanged={reload} />
          <PasswordForm email={data.email} />
          <SignOut />
        </>
      )}
    </>
  );
}

function loadProfile(signal: AbortSignal) {
  return ask<Profile>('api/users/profile', { signal });
}

function changeProfile(body: Record<string, string>) {
  return ask<Profile>('api/users/profile', { method: 'PUT', body });
}

function ProfileForm({ profile, onChanged }: { profile: Profile; onChanged: () => void }) {
  const { refresh } = useVisit();
  const [isSaved, setSaved] = useState(false);
  const { busy, problem, onSubmit } = useSubmit(changeProfile, () => {
    setSaved(true);
    refresh();
    onChanged();
  });
  return (
    <form className="panel" aria-labelledby="profile-title" onSubmit={onSubmit} onChange={() => setSaved(false)}>
      <h2 id="profile-title">Who you are</h2>
      <Field
        label="Name"
        name="name"
        autoComplete="name"
        required
        maxLength={100}
        defaultValue={profile.name}
        problem={problem}
      />{' '}
      {/* prettier-ignore */}
      <Field label="Email" name="email" type="email" autoComplete="email" required maxLength={254} defaultValue={profile.email} problem={problem} />{' '}
      {/* prettier-ignore */}
      <FormProblem problem={problem} />
      <button type="submit" className="button" aria-disabled={busy}>
        {busy ? 'Saving…' : 'Save'}
      </button>
      <Saved text={isSaved ? 'Saved.' : ''} />
    </form>
  );
}

function PasswordForm({ email }: { email: string }) {
  const [isSaved, setSaved] = useState(false);
  const { busy, problem, onSubmit } = useSubmit(
    ({ currentPassword = '', newPassword = '' }) => changeProfile({ currentPassword, newPassword }),
    (_, form) => {
      form.reset();
      setSaved(true);
    },
  );
  return (
    <form className="panel" aria-labelledby="password-title" onSubmit={onSubmit} onChange={() => setSaved(false)}>
      <h2 id="password-title">Your password</h2>
      {/* For password managers: whose it is. */}
      <input type="hidden" name="username" autoComplete="username" value={email} readOnly />
      <Field
        label="Current password"
        name="currentPassword"
        type="password"
        autoComplete="current-password"
        required
        problem={problem}
      />{' '}
      {/* prettier-ignore */}
      <Field label="New password" name="newPassword" type="password" autoComplete="new-password" required {...PASSWORD} problem={problem} />{' '}
      {/* prettier-ignore */}
      <FormProblem problem={problem} />
      <button type="submit" className="button" aria-disabled={busy}>
        {busy ? 'Changing…' : 'Change password'}
      </button>
      <Saved text={isSaved ? 'Changed. You are signed out everywhere else.' : ''} />
    </form>
  );
}

function Saved({ text }: { text: string }) {
  return (
    <p className="saved" role="status">
      {text}
    </p>
  );
}

function SignOut() {
  const router = useRouter();
  const { refresh, announce } = useVisit();
  const { busy, problem, onSubmit } = useSubmit(
    () => ask('session', { method: 'DELETE' }),
    () => {
      refresh();
      announce('You are signed out');
      router.push('/');
    },
  );
  return (
    <form onSubmit={onSubmit}>
      <FormProblem problem={problem} />
      <button type="submit" className="button quiet" aria-disabled={busy}>
        Sign out
      </button>
    </form>
  );
}
