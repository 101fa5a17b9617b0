import type { Instrumentation } from 'next';
import { idsOf } from './gateway/ids.ts';

/** Runs once, before the server answers: one that could not reach any gateway, or whose environment is wrong, does not start. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { startOrRefuse } = await import('./start.ts');
    await startOrRefuse();
  }
}

export const onRequestError: Instrumentation.onRequestError = (error, request) => {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const ids = idsOf((name) => request.headers[name]?.toString());
  console.error(JSON.stringify({ level: 'error', msg: 'request failed', path: request.path, err: message, ...ids }));
};
