import { setTimeout as delay } from 'node:timers/promises';

/** When each call of a crowd is made, in milliseconds from the start: so many a second on average, each at a time of its own (a Poisson process). */
export function arrivals({ perSecond, seconds }: { perSecond: number; seconds: number }): number[] {
  const times: number[] = [];
  for (let ms = 0; ms < seconds * 1000; ms -= (Math.log(1 - Math.random()) * 1000) / perSecond) times.push(ms);
  return times;
}

/** Begins work at each of the times, in milliseconds from now, whatever becomes of what was begun before. */
export function atTimes<T>(times: readonly number[], work: () => Promise<T>): Promise<T[]> {
  const started = performance.now();
  return Promise.all(
    times.map(async (ms) => {
      await delay(Math.max(0, started + ms - performance.now()));
      return work();
    }),
  );
}
