'use client';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Answer, Problem } from '../../gateway/problem.ts';

/** What was fetched last, and what went wrong since. Neither: the first answer is still to come. */
export interface Remote<Data> {
  data?: Data;
  problem?: Problem;
}

export interface UseRemote<Data> extends Remote<Data> {
  busy: boolean;
  reload: () => void;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 10_000;

/**
 * Keeps data of the gateway current: fetches what the server did not bring along, again with growing pauses after a
 * failure, and, while the page is visible, when `refreshAfter` says that data has aged. Old data stays while it fails.
 */
export function useRemote<Data>(
  initial: Remote<Data>,
  load: (signal: AbortSignal) => Promise<Answer<Data>>,
  /** Milliseconds; a function of the module, as a new one starts the wait anew. */
  refreshAfter?: (data: Data) => number,
): UseRemote<Data> {
  const [remote, setRemote] = useState(initial);
  const [busy, setBusy] = useState(false);
  const [turn, setTurn] = useState(0);
  const failures = useRef(initial.problem ? 1 : 0);
  const asked = useRef({ turn: 0, load });

  useEffect(() => {
    const abort = new AbortController();
    const fetchNow = async () => {
      setBusy(true);
      const answer = await load(abort.signal);
      if (abort.signal.aborted) return;
      failures.current = answer.kind === 'data' ? 0 : failures.current + 1;
      setRemote((before) => (answer.kind === 'data' ? { data: answer.data } : { ...before, problem: answer.problem }));
      setBusy(false);
    };
    const wanted = turn !== asked.current.turn || load !== asked.current.load || (!remote.data && !remote.problem);
    asked.current = { turn, load };
    const pause = wanted
      ? 0
      : remote.problem
        ? retryAfter(failures.current)
        : remote.data && refreshAfter?.(remote.data);
    if (pause === undefined) return;
    const cancel = whenVisibleAfter(pause, () => void fetchNow());
    return () => {
      cancel();
      abort.abort();
    };
  }, [remote, turn, load, refreshAfter]);

  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return { ...remote, busy, reload };
}

function retryAfter(failures: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1));
}

/** Runs once the time has passed and somebody looks at the page. */
function whenVisibleAfter(ms: number, run: () => void): () => void {
  const whenVisible = () => {
    if (document.hidden) return;
    document.removeEventListener('visibilitychange', whenVisible);
    run();
  };
  const timer = setTimeout(() => {
    document.addEventListener('visibilitychange', whenVisible);
    whenVisible();
  }, ms);
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', whenVisible);
  };
}
