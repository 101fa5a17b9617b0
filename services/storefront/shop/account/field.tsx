'use client';
import { type InputHTMLAttributes, useId } from 'react';
import type { Problem } from '../../gateway/problem.ts';
import { explain } from '../ui/explain.ts';
import { Notice } from '../ui/notice.tsx';

export interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  name: string;
  label: string;
  hint?: string;
  problem: Problem | undefined;
}

/** An input with its label, and what was wrong with it. */
export function Field({ label, hint, problem, ...input }: FieldProps) {
  const id = useId();
  const refusal = problem?.field === input.name ? problem.message : undefined;
  const described = [hint && `${id}hint`, refusal && `${id}refusal`].filter(Boolean).join(' ');
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        aria-invalid={refusal !== undefined}
        aria-describedby={described === '' ? undefined : described}
      />
      {hint && (
        <p className="hint" id={`${id}hint`}>
          {hint}
        </p>
      )}
      {refusal && (
        <p className="refusal" id={`${id}refusal`} role="alert">
          {refusal}
        </p>
      )}
    </div>
  );
}

/** What is wrong with a form as a whole. */
export function FormProblem({ problem }: { problem: Problem | undefined }) {
  if (!problem || problem.field !== undefined) return null;
  if (problem.code === 'INVALID_CREDENTIALS') {
    return <Notice title="That does not fit" advice="The address or the password is wrong." />;
  }
  if (problem.code === 'RATE_LIMITED') {
    return <Notice title="Too many attempts" advice="Wait a minute, then try again." />;
  }
  const { title, advice } = explain(problem);
  return <Notice title={title} advice={advice === 'This page tries again by itself.' ? 'Try again.' : advice} />;
}

/** The bounds of a password; the browser holds to them before anything is sent. */
export const PASSWORD = { minLength: 8, maxLength: 128, hint: 'At least 8 characters.' };
