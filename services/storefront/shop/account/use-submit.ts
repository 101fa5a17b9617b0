'use client';
import { type FormEvent, useRef, useState } from 'react';
import type { Answer, Problem } from '../../gateway/problem.ts';

export interface UseSubmit {
  busy: boolean;
  problem: Problem | undefined;
  onSubmit: (event: FormEvent<HTMLFormElement>) => void;
}

/** Sends a form once at a time, and leads to the field that was refused. */
export function useSubmit<Data>(
  send: (values: Record<string, string>) => Promise<Answer<Data>>,
  onDone: (data: Data, form: HTMLFormElement) => void,
): UseSubmit {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const isUnderWay = useRef(false);

  const submit = async (form: HTMLFormElement) => {
    if (isUnderWay.current) return;
    isUnderWay.current = true;
    setBusy(true);
    setProblem(undefined);
    const values = Object.fromEntries(
      [...new FormData(form)].map(([name, value]) => [name, typeof value === 'string' ? value : '']),
    );
    const answer = await send(values);
    isUnderWay.current = false;
    setBusy(false);
    if (answer.kind === 'data') return onDone(answer.data, form);
    setProblem(answer.problem);
    const atFault = answer.problem.field && form.elements.namedItem(answer.problem.field);
    if (atFault instanceof HTMLElement) atFault.focus();
  };

  return {
    busy,
    problem,
    onSubmit: (event) => {
      event.preventDefault();
      void submit(event.currentTarget);
    },
  };
}
