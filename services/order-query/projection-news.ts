import { EventEmitter } from 'node:events';
import { createSignal, type Signal } from '@orderplane/shared/signal.ts';

/** Tells queries that wait for an order that this instance has projected a change of it. Of what other instances project they learn by looking. */
export interface ProjectionNews {
  tell(orderId: string): void;
  /** From now on: a change is remembered until it is waited for. */
  listen(orderId: string): Pick<Signal, 'wait'> & Disposable;
}

export function projectionNews(): ProjectionNews {
  const emitter = new EventEmitter().setMaxListeners(0);
  const about = (orderId: string) => `order ${orderId}`;
  return {
    tell: (orderId) => void emitter.emit(about(orderId)),
    listen(orderId) {
      const { raise, wait } = createSignal();
      emitter.on(about(orderId), raise);
      return { wait, [Symbol.dispose]: () => void emitter.off(about(orderId), raise) };
    },
  };
}
