import type { Progress } from './use-placed-orders.ts';

type StepState = 'done' | 'active' | 'waiting';

interface Step {
  name: string;
  note: string;
  state: StepState;
  ms?: number;
}

/** The stages of one order with the milliseconds that each took, measured in this browser. */
export function Timeline({ progress }: { progress: Progress | undefined }) {
  const accepted = progress && 'acceptedMs' in progress ? progress.acceptedMs : undefined;
  const arrived = progress?.stage === 'arrived' ? progress.arrivedMs : undefined;
  const steps: Step[] = [
    { name: 'Sent', note: 'from this browser', state: progress ? 'done' : 'waiting' },
    {
      name: 'Accepted',
      note: 'the event is stored',
      state: accepted !== undefined ? 'done' : progress ? 'active' : 'waiting',
      ms: accepted,
    },
    {
      name: 'In the read model',
      note: 'seen through order(id)',
      state: arrived !== undefined ? 'done' : accepted !== undefined ? 'active' : 'waiting',
      ms: arrived !== undefined && accepted !== undefined ? arrived - accepted : undefined,
    },
  ];
  return (
    <div className="timeline">
      <ol>
        {steps.map((step) => (
          <li key={step.name} data-state={step.state}>
            <span className="step-name">{step.name}</span>
            <span className="step-note">{step.note}</span>
            <span className="step-time">{step.ms !== undefined && `+${formatMs(step.ms)}`}</span>
          </li>
        ))}
      </ol>
      {arrived !== undefined && (
        <p className="total">
          <span>Sent to seen</span>
          <strong>{formatMs(arrived)}</strong>
        </p>
      )}
    </div>
  );
}

export function formatMs(ms: number): string {
  return ms < 10_000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}
