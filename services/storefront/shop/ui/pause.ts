/** Resolves after the time, once somebody looks at the page; rejects when the signal says so. */
export function pauseWhileHidden(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const timer = setTimeout(() => whenVisible(), ms);
    const over = () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', whenVisible);
      signal.removeEventListener('abort', stop);
    };
    const stop = () => {
      over();
      reject(signal.reason as Error);
    };
    const whenVisible = () => {
      if (document.hidden) return document.addEventListener('visibilitychange', whenVisible);
      over();
      resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}
