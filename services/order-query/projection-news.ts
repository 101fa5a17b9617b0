import { EventEmitter } from 'node:events';

/** Tells queries that wait for an order that this instance has projected a change of it. Of what other instances project they learn by looking. */
export interface ProjectionNews {
  tell(orderId: string): void;
  /** From now on. */
  listen(orderId: string): Listening;
}

export interface Listening extends Disposable {
  /** Aborts at the first change. */
  readonly told: AbortSignal;
}

export function projectionNews(): ProjectionNews {
  const emitter = new EventEmitter().setMaxListeners(0);
  const about = (orderId: string) => `order ${orderId}`;
  return {
    tell: (orderId) => void emitter.emit(about(orderId)),
    listen(orderId) {
      const hearing = new AbortController();
      const hear = () => hearing.abort();
      emitter.once(about(orderId), hear);
      return { told: hearing.signal, [Symbol.dispose]: () => void emitter.off(about(orderId), hear) };
    },
  };
}
