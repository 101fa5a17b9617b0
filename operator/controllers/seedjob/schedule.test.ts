import { describe, expect, test } from '@jest/globals';
import { seedJobSpec, type SeedSchedule } from '../../api/v1alpha1/index.ts';
import { scheduleFault, scheduleState } from './schedule.ts';

const NIGHTLY: SeedSchedule = { cron: '30 2 * * *', timeZone: 'Europe/Berlin' };
const HOURLY: SeedSchedule = { cron: '0 * * * *', timeZone: 'Europe/Berlin' };
const stored = (schedule: SeedSchedule, lastScheduleTime: string) => ({
  expression: `${schedule.cron} ${schedule.timeZone}`,
  since: '2026-01-01T00:00:00Z',
  lastScheduleTime,
});
const time = (date: Date | undefined) => date?.toISOString().replace('.000', '');

describe('a schedule', () => {
  test.each<[string, { schedule: SeedSchedule; last: string; ran?: string; now: string; due?: string; missed?: string; next: string }]>([
    ['is not due before its time', { schedule: NIGHTLY, last: '2026-06-01T00:30:00Z', now: '2026-06-02T00:29:59Z', next: '2026-06-02T00:30:00Z' }],
    ['is due from its time on', { schedule: NIGHTLY, last: '2026-06-01T00:30:00Z', now: '2026-06-02T00:30:00Z', due: '2026-06-02T00:30:00Z', next: '2026-06-03T00:30:00Z' }],
    ['is not due again once that was dealt with', { schedule: NIGHTLY, last: '2026-06-02T00:30:00Z', now: '2026-06-02T00:30:01Z', next: '2026-06-03T00:30:00Z' }],
    ['makes up for all that the operator missed by one run', { schedule: HOURLY, last: '2026-06-01T00:00:00Z', now: '2026-06-03T10:20:00Z', due: '2026-06-03T10:00:00Z', next: '2026-06-03T11:00:00Z' }],
    ['makes up for what is within the deadline', { schedule: { ...NIGHTLY, startingDeadlineSeconds: 3600 }, last: '2026-06-01T00:30:00Z', now: '2026-06-02T01:30:00Z', due: '2026-06-02T00:30:00Z', next: '2026-06-03T00:30:00Z' }],
    ['leaves out what is later than that', { schedule: { ...NIGHTLY, startingDeadlineSeconds: 3600 }, last: '2026-06-01T00:30:00Z', now: '2026-06-02T01:30:01Z', missed: '2026-06-02T00:30:00Z', next: '2026-06-03T00:30:00Z' }],
    ['needs no run of its own for what another run came after', { schedule: NIGHTLY, last: '2026-06-01T00:30:00Z', ran: '2026-06-02T07:00:00Z', now: '2026-06-02T07:01:00Z', next: '2026-06-03T00:30:00Z' }],
    ['is due where another run began before', { schedule: NIGHTLY, last: '2026-06-01T00:30:00Z', ran: '2026-06-02T00:29:00Z', now: '2026-06-02T00:31:00Z', due: '2026-06-02T00:30:00Z', next: '2026-06-03T00:30:00Z' }],
    ['whose hour the clocks skip in spring is due when they have', { schedule: NIGHTLY, last: '2026-03-28T01:30:00Z', now: '2026-03-29T01:00:00Z', due: '2026-03-29T01:00:00Z', next: '2026-03-30T00:30:00Z' }],
    ['is not due before the clocks have skipped its hour', { schedule: NIGHTLY, last: '2026-03-28T01:30:00Z', now: '2026-03-29T00:59:59Z', next: '2026-03-29T01:00:00Z' }],
    ['whose hour comes twice in autumn is due at the first', { schedule: NIGHTLY, last: '2026-10-24T00:30:00Z', now: '2026-10-25T00:30:00Z', due: '2026-10-25T00:30:00Z', next: '2026-10-26T01:30:00Z' }],
    ['is not due at the second', { schedule: NIGHTLY, last: '2026-10-25T00:30:00Z', now: '2026-10-25T01:30:00Z', next: '2026-10-26T01:30:00Z' }],
    ['of every hour comes in both of them', { schedule: HOURLY, last: '2026-10-25T00:00:00Z', now: '2026-10-25T01:00:00Z', due: '2026-10-25T01:00:00Z', next: '2026-10-25T02:00:00Z' }],
  ])('%s', (_, { schedule, last, ran, now, due, missed, next }) => {
    const state = scheduleState(schedule, stored(schedule, last), ran === undefined ? undefined : new Date(ran), new Date(now));
    expect({ due: time(state.due), missed: time(state.missed), next: time(state.next) }).toEqual({ due, missed, next });
    expect(state.status).toEqual({ ...stored(schedule, last), nextScheduleTime: next });
  }); // prettier-ignore

  test('that is new, or another one, begins now: what lies before is not made up for', () => {
    const now = new Date('2026-06-02T10:00:00Z');
    for (const before of [undefined, stored(HOURLY, '2026-06-01T00:00:00Z')])
      expect(scheduleState(NIGHTLY, before, undefined, now)).toMatchObject({
        due: undefined,
        status: { expression: '30 2 * * * Europe/Berlin', since: '2026-06-02T10:00:00Z' },
      });
  });

  test('without a time zone is in UTC', () => {
    const now = new Date('2026-06-02T10:00:00Z');
    expect(time(scheduleState({ cron: '30 2 * * *' }, undefined, undefined, now).next)).toBe('2026-06-03T02:30:00Z');
  });

  test.each([
    ['0 0 31 2 *', 'is never due'],
    ['*/99 * * * *', 'steps cannot be greater'],
    ['0 20-10 * * *', 'From value is larger'],
  ])('of %s is wrong: %s', (cron, says) => {
    expect(scheduleFault({ cron }, new Date(0))).toContain(says);
  });

  test('is in no time zone that nobody knows', () => {
    const schedule = { cron: '@daily', timeZone: 'Mars/Phobos' };
    const spec = { platformRef: { name: 'shop' }, datasets: [], schedule };
    const { issues } = seedJobSpec.safeParse(spec).error as { issues: { path: PropertyKey[]; message: string }[] };
    const messages = issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    expect(messages).toContain('schedule.timeZone is no time zone that is known: take one like Europe/Berlin');
  });

  test.each(['@daily', '@midnight', '*/5 0-6,22 1,15 JAN-mar Mon', '0 0 29 2 *'])('of %s comes', (cron) => {
    expect(scheduleFault({ cron }, new Date(0))).toBeUndefined();
  });
});
