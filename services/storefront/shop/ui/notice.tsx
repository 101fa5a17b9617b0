import type { Explanation } from './explain.ts';

export interface NoticeProps extends Explanation {
  action?: { label: string; busy?: boolean; run: () => void };
}

/** Says what is wrong, what it means, and offers the one thing to do about it. */
export function Notice({ title, advice, action }: NoticeProps) {
  return (
    <div className="notice" role="alert">
      <svg className="notice-mark" viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="10" cy="10" r="8.25" />
        <path d="M10 5.75v5M10 13.75v.5" />
      </svg>
      <div className="notice-text">
        <strong>{title}</strong>
        <p>{advice}</p>
      </div>
      {action && (
        <button type="button" className="button quiet" aria-disabled={action.busy} onClick={action.run}>
          {action.label}
        </button>
      )}
    </div>
  );
}
