/**
 * Which runs of the gateway's cron jobs have begun and ended, each told once: by an event, or by a list after a connection was lost.
 *
 * @internal
 */
import type { JobEvent, RunEvent } from "../../supervisor/Supervisor.js"
import { type CronEvent, type CronJob, type CronRun, runIdOf } from "./CronJobs.js"

/** Cron jobs of which it is remembered how they stand: those that have run last. */
const MAX_KNOWN = 5000

interface Known {
  job: string
  /** When its present run has begun. */
  runningAt: number | undefined
  /** When the last run of which the end was told has begun. */
  endedAt: number
  /** When the last one has begun of which nobody seemed to tell any more: that it has failed is news all the same. */
  lostAt: number | undefined
}

/** @internal */
export interface CronRuns {
  readonly happened: (event: CronEvent) => void
  /** All of them, `isFirst` after a connection: what has ended meanwhile is told. What is listed at the very first is no news. */
  readonly listed: (crons: ReadonlyArray<CronJob>, isFirst: boolean) => void
  /** The jobs of which a run has begun and, as far as is known, not ended. */
  readonly running: () => ReadonlyArray<string>
  /** The starts of those. */
  readonly starts: () => ReadonlyArray<RunEvent>
}

/** @internal */
export const make = (tellRun: (event: RunEvent) => void, tellFailure: (event: JobEvent) => void): CronRuns => {
  const known = new Map<string, Known>()
  let hasListed = false

  /** It goes to the end of the line of those that may have to go. */
  const knownOf = (id: string, job: string | undefined): Known => {
    const before = known.get(id)
    const one = before ?? { job: job ?? id, runningAt: undefined, endedAt: Number.NEGATIVE_INFINITY, lostAt: undefined }
    if (job !== undefined) one.job = job
    known.delete(id)
    known.set(id, one)
    for (const oldest of known.keys()) {
      if (known.size <= MAX_KNOWN) break
      known.delete(oldest)
    }
    return one
  }

  const startOf = (id: string, { job, runningAt }: Known): ReadonlyArray<RunEvent> =>
    runningAt === undefined
      ? []
      : [{ _tag: "Started", job, runId: runIdOf(id, runningAt), at: runningAt, alwaysUp: false }]

  const start = (id: string, one: Known, at: number) => {
    if (at <= one.endedAt || at === one.runningAt || at === one.lostAt) return
    lose(id, one)
    one.runningAt = at
    startOf(id, one).forEach(tellRun)
  }

  const end = (id: string, one: Known, run: CronRun) => {
    if (run.startedAt <= one.endedAt) return
    if (run.isSkipped && one.runningAt !== run.startedAt) {
      one.endedAt = run.startedAt
      return
    }
    const wasLost = run.startedAt === one.lostAt
    start(id, one, run.startedAt)
    one.endedAt = run.startedAt
    if (!wasLost) one.runningAt = undefined
    const { endedAt, error, outcome, runId, startedAt } = run
    const last = error === undefined ? {} : { lastError: error }
    const { job } = one
    if (!wasLost) tellRun({ _tag: "Ended", job, runId, startedAt, at: endedAt, outcome, exitCode: null, ...last })
    if (outcome === "failed") tellFailure({ job, trigger: "failure", runId, exitCode: null, ...last })
  }

  /** The end of a run of which nobody will tell any more. */
  const lose = (id: string, one: Known) => {
    if (one.runningAt === undefined) return
    const runId = runIdOf(id, one.runningAt)
    tellRun({ _tag: "Ended", job: one.job, runId, startedAt: one.runningAt, at: null, outcome: "stopped" })
    one.lostAt = one.runningAt
    one.runningAt = undefined
  }

  return {
    happened: (event) => {
      const one = knownOf(event.id, event.job)
      if (event._tag === "Started") start(event.id, one, event.startedAt)
      else end(event.id, one, event.run)
    },
    listed: (crons, isFirst) => {
      const listed = new Set<string>()
      for (const { id, job, last, runningAt } of crons) {
        listed.add(id)
        const one = knownOf(id, job)
        if (last !== undefined && hasListed && isFirst) end(id, one, last)
        // Of a run that has begun since, the end is still to be told.
        if (last !== undefined && !hasListed && last.startedAt !== one.runningAt) {
          one.endedAt = Math.max(one.endedAt, last.startedAt)
        }
        if (runningAt !== undefined) start(id, one, runningAt)
        else if (isFirst && hasListed) lose(id, one)
      }
      if (isFirst) for (const [id, one] of known) if (!listed.has(id)) lose(id, one)
      hasListed = true
    },
    running: () => Array.from(known.values()).flatMap(({ job, runningAt }) => (runningAt === undefined ? [] : [job])),
    starts: () => Array.from(known).flatMap(([id, one]) => startOf(id, one))
  }
}
