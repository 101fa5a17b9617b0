import Link from 'next/link';

/** Where an account is needed: the way to one, and back. */
export function SignInFirst({ next, why }: { next: string; why: string }) {
  const back = `?next=${encodeURIComponent(next)}`;
  return (
    <div className="empty">
      <strong>Sign in to go on</strong>
      <p>{why}</p>
      <p className="actions">
        <Link className="button" href={`/sign-in${back}`} prefetch={false}>
          Sign in
        </Link>
        <Link className="button quiet" href={`/register${back}`} prefetch={false}>
          Create an account
        </Link>
      </p>
    </div>
  );
}
