import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import { connection } from 'next/server';
import type { ReactNode } from 'react';
import { platformFeatures } from '../gateway/features.ts';
import { PAGE_BUDGET_MS } from '../gateway/read.ts';
import { NAME } from '../session/cookies.ts';
import { Header } from '../shop/header.tsx';
import { VisitProvider } from '../shop/visit.tsx';
import './styles/base.css';
import './styles/forms.css';
import './styles/catalogue.css';
import './styles/artwork.css';
import './styles/orders.css';

export const metadata: Metadata = {
  title: { default: 'Orderplane shop', template: '%s · Orderplane shop' },
  description: 'Things worth having, ordered in a moment, and followed until they are yours.',
};

export const viewport: Viewport = {
  colorScheme: 'light dark',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f7f7f5' },
    { media: '(prefers-color-scheme: dark)', color: '#131412' },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  await connection(); // every page is rendered for its request: the policy's nonce is on its scripts
  const [features, kept] = await Promise.all([platformFeatures(PAGE_BUDGET_MS), cookies()]);
  const name = kept.get(NAME)?.value;
  const initial = features ? { data: { features, user: name === undefined ? null : { name } } } : {};
  return (
    <html lang="en">
      <body>
        <a className="skip" href="#main">
          Skip to the content
        </a>
        <VisitProvider initial={initial}>
          <Header />
          <main id="main" tabIndex={-1}>
            {children}
          </main>
        </VisitProvider>
        <noscript>
          <p className="noscript">You can look around; ordering needs JavaScript.</p>
        </noscript>
      </body>
    </html>
  );
}
