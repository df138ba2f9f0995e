/**
 * How long to wait after a review that failed.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import type { ReviewError } from "../HealingError.js"

/** @internal */
export type RetrySchedule = Schedule.Schedule<unknown, ReviewError>

/** @internal */
export const defaultSchedule: RetrySchedule = Schedule.exponential("30 seconds")

/**
 * The delay of the schedule after so many failures, in milliseconds; none where it has ended. The schedule is stepped
 * through from its start, since its state would not survive a restart.
 *
 * @internal
 */
export const delayAfter = (
  schedule: RetrySchedule,
  failures: number,
  error: ReviewError,
  at: number
): Effect.Effect<Option.Option<number>> => {
  const step = (state: unknown, now: number, left: number): Effect.Effect<Option.Option<number>> =>
    Effect.flatMap(schedule.step(now, error, state), ([next, , decision]) => {
      if (ScheduleDecision.isDone(decision)) return Effect.succeedNone
      const start = Math.max(ScheduleIntervals.start(decision.intervals), now)
      return left === 1 ? Effect.succeedSome(start - now) : step(next, start, left - 1)
    })
  return failures === 0 ? Effect.succeedNone : step(schedule.initial, at, failures)
}
