import { setTimeout as delay } from 'node:timers/promises';
import type { Readiness } from '@orderplane/shared/management.ts';

export interface DrainOptions {
  readonly readiness: Readiness;
  /** How long it goes on serving after SIGTERM. */
  readonly delayMs: number;
  /** What is to be done, while it still serves, before the process can end. */
  finish(): Promise<void>;
}

/**
 * Next.js stops listening as soon as it is told to end, while requests still come from those who have not heard yet that this pod is going. It
 * is told later; then it answers what it was asked, and ends the process.
 */
export function drainBeforeClosing({ readiness, delayMs, finish }: DrainOptions): void {
  const closing = process.listeners('SIGTERM');
  process.removeAllListeners('SIGTERM');
  const drain = async () => {
    readiness.drain();
    await delay(delayMs);
    await finish();
    for (const close of closing) close('SIGTERM');
  };
  process.once('SIGTERM', () => void drain());
}
