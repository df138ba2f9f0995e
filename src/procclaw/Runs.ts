/**
 * Which runs have begun and ended, and which were too late or too long: each told once, over the restarts of either side.
 *
 * @internal
 */
import * as Schema from "effect/Schema"
import { JobName } from "../request/HealingRequest.js"
import type { JobEvent, RunEvent } from "../supervisor/Supervisor.js"
import type { ListedRun, SlaBreach } from "./Payload.js"

/** What is remembered to have been told: more than ProcClaw lists. */
const MAX_TOLD = 2000

/** What has ended longer ago is no news, in milliseconds. */
const MAX_AGE = 7 * 24 * 3_600_000

const Key = Schema.String.pipe(Schema.maxLength(200))

/** Runs of which it is remembered that they run. */
const MAX_OPEN = 1000

/**
 * What was told, and what ran, for the next start.
 *
 * @internal
 */
export const Told = Schema.Struct({
  version: Schema.Literal(1),
  told: Schema.Array(Key).pipe(Schema.maxItems(MAX_TOLD)),
  open: Schema.Array(Schema.Struct({ key: Key, job: JobName })).pipe(Schema.maxItems(MAX_OPEN))
})

/** @internal */
export interface Told extends Schema.Schema.Type<typeof Told> {}

/**
 * - `listed`: the runs that there are, the newest first. Says whether one of them has ended since.
 * - `breached`: those that broke their service level, of these jobs.
 * - `open`: those that run, as far as is known, also from before the start of this process.
 * - `vanished`: these are not known to ProcClaw any more.
 * - `starts`: the starts of those that run.
 *
 * @internal
 */
export interface Runs {
  readonly listed: (runs: ReadonlyArray<ListedRun>, now: number) => boolean
  readonly breached: (breaches: ReadonlyArray<SlaBreach>, now: number) => void
  readonly open: () => ReadonlyArray<Pick<ListedRun, "key" | "job">>
  readonly vanished: (keys: ReadonlySet<string>) => void
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
  /** Those that ran before this process was started, and were not seen since. */
  const earlier = new Map((before?.open ?? []).map((one) => [one.key, one]))
  /** Whether what was not told is news. */
  const hasSeen = { runs: before !== undefined, breaches: before !== undefined }

  /** The one that was seen last goes last. */
  const remember = (key: string) => {
    told.delete(key)
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
        if (told.has(key)) {
          remember(key)
          continue
        }
        const isKnown = open.has(key)
        earlier.delete(key)
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
        const isNews = hasSeen.breaches && !told.has(key)
        remember(key)
        if (isNews && now - at <= MAX_AGE) tellEvent({ job, trigger: "sla_breach", runId, lastError: what })
      }
      hasSeen.breaches = true
    },
    open: () => [...open.values(), ...earlier.values()],
    vanished: (keys) => {
      for (const key of keys) {
        const one = open.get(key)
        earlier.delete(key)
        open.delete(key)
        if (one === undefined) continue
        const { job, run } = one
        tellRun({ _tag: "Ended", job, runId: run.id, startedAt: run.startedAt, at: null, outcome: "stopped" })
      }
    },
    starts: () => Array.from(open.values(), startOf),
    told: () => {
      const running = [...open.values(), ...earlier.values()].slice(0, MAX_OPEN)
      return { version: 1, told: Array.from(told), open: running.map(({ job, key }) => ({ job, key })) }
    }
  }
}
