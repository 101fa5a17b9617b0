/** When a seed is due by its schedule. */
import { Cron } from 'croner';
import type { ScheduleStatus, SeedSchedule } from '../../api/v1alpha1/index.ts';
import { toKubeTime } from '../../runtime/index.ts';

/** Where a schedule stands at a moment. */
export interface ScheduleState {
  /** The last time that came and has not been dealt with, unless that is too long ago. */
  due: Date | undefined;
  /** The same where it is too long ago: it is dropped. */
  missed: Date | undefined;
  next: Date | undefined;
  /** For the status, as long as what is due has not been dealt with. */
  status: ScheduleStatus;
}

/** The schedule in words, which tell it from another. */
export function expressionOf({ cron, timeZone = 'UTC' }: SeedSchedule): string {
  return `${cron} ${timeZone}`;
}

/** Why a schedule can never come, in words. */
export function scheduleFault(schedule: SeedSchedule, now: Date): string | undefined {
  try {
    return patternOf(schedule).nextRun(now) ? undefined : `spec.schedule.cron: ${schedule.cron} is never due`;
  } catch (error) {
    return `spec.schedule.cron: ${schedule.cron}: ${(error as Error).message}`;
  }
}

/**
 * Of the times that came since the last one that was dealt with, the last: however many were missed, one run makes up for them.
 * @param stored what the status tells; of another schedule it counts for nothing
 * @param ran when the seed last began for another reason: what was due before needs no run of its own
 */
export function scheduleState(
  schedule: SeedSchedule,
  stored: ScheduleStatus | undefined,
  ran: Date | undefined,
  now: Date,
): ScheduleState {
  const pattern = patternOf(schedule);
  const expression = expressionOf(schedule);
  const known: ScheduleStatus = stored?.expression === expression ? stored : { expression, since: toKubeTime(now) };
  const { since, lastScheduleTime } = known;
  const dealtWith = Math.max(Date.parse(since), Date.parse(lastScheduleTime ?? since), ran?.getTime() ?? 0);
  const last = lastTime(pattern, now);
  const isOpen = last !== undefined && last.getTime() > dealtWith;
  const isTooLate = isOpen && now.getTime() - last.getTime() > (schedule.startingDeadlineSeconds ?? Infinity) * 1000;
  const next = pattern.nextRun(now) ?? undefined;
  return {
    due: isOpen && !isTooLate ? last : undefined,
    missed: isTooLate ? last : undefined,
    next,
    status: {
      expression,
      since,
      ...(lastScheduleTime && { lastScheduleTime }),
      ...(next && { nextScheduleTime: toKubeTime(next) }),
    },
  };
}

function patternOf({ cron, timeZone = 'UTC' }: SeedSchedule): Cron {
  return new Cron(cron, { timezone: timeZone, mode: cron.startsWith('@') ? 'auto' : '5-part' });
}

/** The last time up to now, now included. */
function lastTime(pattern: Cron, now: Date): Date | undefined {
  const nextSecond = new Date(Math.floor(now.getTime() / 1000) * 1000 + 1000);
  return pattern.previousRuns(1, nextSecond)[0];
}
