import type { Metadata, Viewport } from 'next';
import { connection } from 'next/server';
import type { ReactNode } from 'react';
import './globals.css';

export const metadata: Metadata = {
  title: 'Orderplane shop',
  description: 'Order, and watch the order arrive in the read model.',
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
  return (
    <html lang="en">
      <body>
        <a className="skip" href="#main">
          Skip to the products
        </a>
        <header className="site-header">
          <h1>
            <svg className="mark" viewBox="0 0 24 24" aria-hidden="true">
              <path d="M3 3h9a9 9 0 0 1-9 9z" />
              <path d="M21 21h-9a9 9 0 0 1 9-9z" />
              <circle cx="16.5" cy="7.5" r="4.5" className="mark-accent" />
            </svg>
            <span>
              Orderplane <span className="thin">shop</span>
            </span>
          </h1>
        </header>
        <main id="main">{children}</main>
        <noscript>
          <p className="noscript">Ordering and live tracking need JavaScript.</p>
        </noscript>
      </body>
    </html>
  );
}
