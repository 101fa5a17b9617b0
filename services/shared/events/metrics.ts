import { Counter, Histogram, type Registry } from 'prom-client';

export type EventMetrics = ReturnType<typeof eventMetrics>;

export function eventMetrics(metrics: Registry) {
  const registers = [metrics];
  return {
    handled: new Counter({
      name: 'events_handled_total',
      help: 'Deliveries of events by how they ended.',
      labelNames: ['topic', 'outcome'],
      registers,
    }),
    lag: new Histogram({
      name: 'event_lag_seconds',
      help: 'Time from an event to the end of its handling.',
      labelNames: ['topic'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
  };
}
