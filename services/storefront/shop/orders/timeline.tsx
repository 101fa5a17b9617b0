import { type Step, timeAfter } from './steps.ts';

const SPOKEN: Record<Step['state'], string> = {
  done: 'done',
  active: 'under way',
  waiting: 'to come',
  failed: 'the end of it',
  undone: 'done',
};

/** The steps of an order, with the time that each came after its placing. */
export function Timeline({ steps, from }: { steps: Step[]; from: string }) {
  return (
    <ol className="timeline" aria-label="How far it is">
      {steps.map(({ name, note, state, at }) => (
        <li key={name} data-state={state}>
          <span className="step-name">
            {name}
            <span className="visually-hidden">: {SPOKEN[state]}</span>
          </span>
          <span className="step-time">{at && timeAfter(from, at)}</span>
          {note && <span className="step-note">{note}</span>}
        </li>
      ))}
    </ol>
  );
}
