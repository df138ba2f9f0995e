/**
 * Tells of the jobs that hold the line up for long.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as SafeLog from "../internal/SafeLog.js"
import type { JobId, RunningState } from "../running/OpenClaw.js"

const LONG = Duration.toMillis("1 hour")

/**
 * The gate calls it at each decision. It warns of each job that has run for over an hour since somebody first waited
 * for it, once for each run of the job. It has no timer of its own (R12), so a warning comes with the first look after
 * the hour at which somebody waits.
 *
 * @internal
 */
export const make = (now: () => number): ((state: RunningState, waiting: number) => Effect.Effect<void>) => {
  const told = new Map<JobId, number>()
  /** The first wait since the running state was idle; those who give up and come again do not start it anew. */
  let heldSince = Number.POSITIVE_INFINITY
  /** No job can be due before this instant, so most decisions cost nothing here. */
  let nextDue = Number.POSITIVE_INFINITY

  return (state, waiting) => {
    const at = now()
    if (state.idleSince !== undefined) heldSince = Number.POSITIVE_INFINITY
    else if (waiting > 0 && heldSince === Number.POSITIVE_INFINITY) {
      heldSince = at
      nextDue = at + LONG
    }
    if (waiting === 0 || heldSince > at || at < nextDue) return Effect.void

    const due: Array<JobId> = []
    nextDue = at + LONG
    for (const job of told.keys()) if (!HashMap.has(state.jobs, job)) told.delete(job)
    for (const [job, { since }] of state.jobs) {
      if (told.get(job) === since) continue
      const dueAt = Math.max(since, heldSince) + LONG
      if (dueAt > at) nextDue = Math.min(nextDue, dueAt)
      else {
        told.set(job, since)
        due.push(job)
      }
    }
    return Effect.forEach(
      due,
      (job) =>
        SafeLog.warn(`An OpenClaw job has held up ${waiting} waiting healings for over an hour`, {
          "healing.job": job
        }),
      { discard: true }
    )
  }
}
