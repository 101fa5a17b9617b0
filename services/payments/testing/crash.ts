import type { Pool } from '@orderplane/shared/postgres.ts';
import type { Processor } from '../processor/processor.ts';

/** The moment at which a process dies: at its nth request to database or processor, before it was sent or when its answer is lost. */
export interface Crash {
  readonly request: number;
  readonly side: 'before' | 'after';
}

/** A process that may die: from then on nothing that it asks reaches anybody, and its transaction is never committed. */
export function mortalProcess(real: { pool: Pool; processor: Processor }, crash?: Crash) {
  let requests = 0;
  let isDead = false;
  const through = async <T>(request: () => Promise<T>): Promise<T> => {
    requests += 1;
    const isLast = requests === crash?.request;
    if (isDead || (isLast && crash.side === 'before')) throw die();
    const answer = await request();
    if (isLast) throw die();
    return answer;
  };
  const die = () => {
    isDead = true;
    return new Error('this process was killed');
  };
  const pool = new Proxy(real.pool, {
    get(target, property) {
      if (property === 'query') return (text: string, values: unknown[]) => through(() => target.query(text, values));
      if (property !== 'connect') return Reflect.get(target, property) as unknown;
      return async () => {
        const client = await target.connect();
        const query = (text: string, values?: unknown[]) => through(() => client.query(text, values));
        return new Proxy(client, {
          get(inner, name) {
            const own: unknown = Reflect.get(inner, name);
            if (name === 'query') return query;
            return typeof own === 'function' ? (own.bind(inner) as unknown) : own;
          },
        });
      };
    },
  });
  const processor: Processor = {
    charge: (charge) => through(() => real.processor.charge(charge)),
    giveBack: (charge) => through(() => real.processor.giveBack(charge)),
  };
  return { pool, processor, requests: () => requests };
}
