/**
 * Which runs have begun and ended, and which were too late or too long: each told once, over the restarts of either side.
 *
 * @internal
 */
import * as Schema from "effect/Schema"
import type { JobEvent, RunEvent } from "../supervisor/Supervisor.js"
import type { ListedRun, SlaBreach } from "./Payload.js"

/** What is remembered to have been told: more than ProcClaw lists. */
const MAX_TOLD = 2000

/** What has ended longer ago is no news, in milliseconds. */
const MAX_AGE = 7 * 24 * 3_600_000

/**
 * What was told, for the next start.
 *
 * @internal
 */
export const Told = Schema.Struct({
  version: Schema.Literal(1),
  told: Schema.Array(Schema.String.pipe(Schema.maxLength(200))).pipe(Schema.maxItems(MAX_TOLD))
})

/** @internal */
export interface Told extends Schema.Schema.Type<typeof Told> {}

/**
 * - `listed`: the runs that there are, the newest first. Says whether one of them has ended since.
 * - `breached`: those that broke their service level, of these jobs.
 * - `open`: those that run, as far as is known.
 * - `starts`: the starts of those.
 *
 * @internal
 */
export interface Runs {
  readonly listed: (runs: ReadonlyArray<ListedRun>, now: number) => boolean
  readonly breached: (breaches: ReadonlyArray<SlaBreach>, now: number) => void
  readonly open: () => ReadonlyArray<ListedRun>
  readonly starts: () => ReadonlyArray<RunEvent>
  readonly told: () => Told
}

/**
 * `before`: what was told before this process was started. Without it, what has ended before the first list is no news.
 *
 * @internal
 */
export const make = (
  before: Told | undefined,
  tellRun: (event: RunEvent) => void,
  tellEvent: (event: JobEvent) => void,
  isAlwaysUp: (job: string) => boolean
): Runs => {
  const told = new Set(before?.told ?? [])
  const open = new Map<string, ListedRun>()
  /** Whether what was not told is news. */
  const hasSeen = { runs: before !== undefined, breaches: before !== undefined }

  const remember = (key: string) => {
    told.add(key)
    for (const oldest of told) {
      if (told.size <= MAX_TOLD) return
      told.delete(oldest)
    }
  }

  const startOf = ({ job, run }: ListedRun): RunEvent => ({
    _tag: "Started",
    job,
    runId: run.id,
    at: run.startedAt,
    alwaysUp: isAlwaysUp(job)
  })

  const end = ({ error, job, run }: ListedRun) => {
    const { endedAt, exitCode, id, outcome, startedAt } = run
    if (outcome === "running") return
    const last = error === undefined || outcome === "succeeded" ? {} : { lastError: error }
    tellRun({ _tag: "Ended", job, runId: id, startedAt, at: endedAt, outcome, exitCode, ...last })
    if (outcome === "failed") tellEvent({ job, trigger: "failure", runId: id, exitCode, ...last })
  }

  return {
    listed: (runs, now) => {
      let hasEnded = false
      for (const one of runs.toReversed()) {
        const { key, run } = one
        if (told.has(key)) continue
        const isKnown = open.has(key)
        if (run.outcome === "running") {
          open.set(key, one)
          if (!isKnown) tellRun(startOf(one))
          continue
        }
        open.delete(key)
        remember(key)
        hasEnded = true
        if (!hasSeen.runs || now - (run.endedAt ?? now) > MAX_AGE) continue
        if (!isKnown) tellRun(startOf(one))
        end(one)
      }
      hasSeen.runs = true
      return hasEnded
    },
    breached: (breaches, now) => {
      for (const { at, job, key, runId, what } of breaches) {
        if (told.has(key)) continue
        remember(key)
        if (hasSeen.breaches && now - at <= MAX_AGE) tellEvent({ job, trigger: "sla_breach", runId, lastError: what })
      }
      hasSeen.breaches = true
    },
    open: () => Array.from(open.values()),
    starts: () => Array.from(open.values(), startOf),
    told: () => ({ version: 1, told: Array.from(told) })
  }
}
