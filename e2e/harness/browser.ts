import { existsSync } from 'node:fs';
import { ensureDebianPackages } from '@orderplane/hack/toolchain/debian.ts';
import { type Progress, silentProgress } from '@orderplane/hack/progress.ts';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts Debian's Chromium without a window, with a profile of its own that goes when it is closed. */
export async function launchBrowser(report: Progress = silentProgress): Promise<Browser> {
  if (!existsSync(CHROMIUM)) await ensureDebianPackages(['chromium', 'fonts-dejavu-core'], report);
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
}

/** Collects what a page should never have: errors in the console (violations of its policy included) and failed scripts. */
export function watchForErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  return errors;
}
