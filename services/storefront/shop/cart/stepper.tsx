'use client';
import { useId, useState } from 'react';
import { MAX_QUANTITY, parseQuantity, stepQuantity } from './quantity.ts';

export interface StepperProps {
  name: string;
  text: string;
  onChange: (text: string) => void;
  refusal?: string | undefined;
}

/** A quantity: typed, or stepped. */
export function Stepper({ name, text, onChange, refusal }: StepperProps) {
  const id = useId();
  return (
    <>
      <div className="stepper">
        <button type="button" aria-label={`One ${name} less`} onClick={() => onChange(stepQuantity(text, -1))}>
          −
        </button>
        <input
          type="text"
          inputMode="numeric"
          autoComplete="off"
          aria-label={`Quantity of ${name}`}
          aria-invalid={refusal !== undefined}
          aria-describedby={refusal ? `${id}refusal` : undefined}
          maxLength={String(MAX_QUANTITY).length + 1}
          value={text}
          onChange={(event) => onChange(event.target.value)}
        />
        <button type="button" aria-label={`One ${name} more`} onClick={() => onChange(stepQuantity(text, 1))}>
          +
        </button>
      </div>
      {refusal && (
        <p id={`${id}refusal`} className="refusal" role="alert">
          {refusal}
        </p>
      )}
    </>
  );
}

/** A stepper whose number counts at once, where it is one. */
export function LiveStepper({
  name,
  qty,
  onQuantity,
}: {
  name: string;
  qty: number;
  onQuantity: (qty: number) => void;
}) {
  const [typed, setTyped] = useState<{ text: string; for: number }>();
  const text = typed?.for === qty ? typed.text : String(qty);
  const parsed = parseQuantity(text);
  const change = (next: string) => {
    const quantity = parseQuantity(next);
    if (quantity.kind === 'valid') onQuantity(quantity.value);
    setTyped({ text: next, for: quantity.kind === 'valid' ? quantity.value : qty });
  };
  return (
    <Stepper
      name={name}
      text={text}
      onChange={change}
      refusal={parsed.kind === 'invalid' ? parsed.message : undefined}
    />
  );
}
