import type { Instrumentation } from 'next';

/** Runs once, before the server answers: a server that could not reach any gateway does not start. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { refuseToStartMisconfigured } = await import('./gateway/start-check.ts');
    refuseToStartMisconfigured();
  }
}

export const onRequestError: Instrumentation.onRequestError = (error, request) => {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(JSON.stringify({ level: 'error', msg: 'request failed', path: request.path, err: message }));
};
