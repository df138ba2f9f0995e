/**
 * Tells of the jobs that hold the line up for long.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import type { JobId, RunningState } from "./OpenClaw.js"

const LONG = Duration.toMillis("1 hour")

/**
 * To be called at each look of the gate: it warns of each job that has run for over an hour while somebody waited, once
 * for each run of the job. It has no timer of its own (R12), so a warning comes with the first look after the hour.
 *
 * @internal
 */
export const make = (now: () => number): ((state: RunningState, waiting: number) => Effect.Effect<void>) => {
  const told = new Map<JobId, number>()
  let waitingSince = Number.POSITIVE_INFINITY

  return (state, waiting) => {
    waitingSince = waiting === 0 ? Number.POSITIVE_INFINITY : Math.min(waitingSince, now())
    for (const job of told.keys()) if (!HashMap.has(state.jobs, job)) told.delete(job)
    if (now() - waitingSince < LONG) return Effect.void
    const untold = Array.from(state.jobs).filter(
      ([job, { since }]) => now() - Math.max(since, waitingSince) >= LONG && told.get(job) !== since
    )
    return Effect.forEach(
      untold,
      ([job, { since }]) => {
        told.set(job, since)
        return Effect.logWarning(`An OpenClaw job has held up ${waiting} waiting healings for over an hour`).pipe(
          Effect.annotateLogs("healing.job", job),
          // A logger that throws is not to stop the gate.
          Effect.catchAllCause(() => Effect.void)
        )
      },
      { discard: true }
    )
  }
}
