'use client';
import { useId } from 'react';
import { FIRST_PAYMENT, METHODS, type Payment, SANDBOX_ACCOUNTS } from './payment.ts';

export interface PaymentChoiceProps {
  /** Undefined: later. */
  payment: Payment | undefined;
  onChange: (payment: Payment | undefined) => void;
  disabled: boolean;
  /** Whether it may be paid for later. */
  canWait: boolean;
}

export function PaymentChoice({ payment, onChange, disabled, canWait }: PaymentChoiceProps) {
  const id = useId();
  const choices = canWait ? [...METHODS, [undefined, 'Later'] as const] : METHODS;
  const choose = (method: string | undefined) =>
    onChange(method === undefined ? undefined : { ...(payment ?? FIRST_PAYMENT), method });
  return (
    <fieldset className="payment" disabled={disabled}>
      <legend>How would you like to pay?</legend>
      <div className="choices">
        {choices.map(([method, label]) => (
          <label key={label} className="choice">
            <input
              type="radio"
              name={`${id}method`}
              checked={payment?.method === method}
              onChange={() => choose(method)}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
      {payment ? (
        <div className="field">
          <label htmlFor={`${id}account`}>Account of the sandbox</label>
          <select
            id={`${id}account`}
            aria-describedby={`${id}hint`}
            value={payment.token}
            onChange={(event) => onChange({ ...payment, token: event.target.value })}
          >
            {SANDBOX_ACCOUNTS.map(([token, label]) => (
              <option key={token} value={token}>
                {label}
              </option>
            ))}
          </select>
          <p className="hint" id={`${id}hint`}>
            No real money moves here: a sandbox stands for the bank, and does what its account is for.
          </p>
        </div>
      ) : (
        <p className="hint">Your things are set aside for a while. Pay on the page of the order.</p>
      )}
    </fieldset>
  );
}
