import type { Metadata } from 'next';
import { SignInPage } from '../../shop/account/sign-in-page.tsx';

export const metadata: Metadata = { title: 'Create an account' };

interface Props {
  searchParams: Promise<{ next?: string | string[] }>;
}

export default async function Page({ searchParams }: Props) {
  const [next] = [(await searchParams).next].flat();
  return <SignInPage kind="register" next={next} />;
}
