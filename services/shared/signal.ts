export type Signal = ReturnType<typeof createSignal>;

/** Something that can be waited for, and is remembered when it comes while nobody waits. */
export function createSignal() {
  let raised = false;
  let waiting: (() => void) | undefined;
  return {
    raise(): void {
      raised = true;
      waiting?.();
    },
    /** Resolves when the signal is raised, at the latest after `ms`, or when aborted; lowers it. */
    async wait(ms: number, abort: AbortSignal): Promise<void> {
      if (!raised && !abort.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          waiting = () => {
            clearTimeout(timer);
            resolve();
          };
          abort.addEventListener('abort', waiting, { once: true });
        });
        if (waiting) abort.removeEventListener('abort', waiting);
        waiting = undefined;
      }
      raised = false;
    },
  };
}
