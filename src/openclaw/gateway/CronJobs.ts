/**
 * The gateway's own schedule: its cron jobs, and their runs as far as it tells of them.
 *
 * The fields were recorded with OpenClaw 2026.9.6. Its documentation: https://docs.openclaw.ai/automation/cron-jobs
 *
 * @internal
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { LAST_INSTANT } from "../../internal/LastInstant.js"
import { lenient, maybe } from "../../internal/Lenient.js"
import { type Evidence, type EvidenceScope, type Run, runsWithin } from "../../supervisor/Evidence.js"

/** Of the name of a cron job, in characters. */
const MAX_NAME = 160

/** Of what a run says of itself, in characters. */
const MAX_ERROR = 10_000

/** Of a prompt, and of what the gateway says of runs, in characters. */
const MAX_TEXT = 64 * 1024

const Millis = Schema.Finite.pipe(Schema.between(0, LAST_INSTANT))

const Id = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(200))

const Name = Schema.String.pipe(Schema.minLength(1))

/**
 * - `id`: as the gateway knows it.
 * - `job`: the name of the job that it is a part of: all cron jobs of one name are one job.
 * - `schedule`, `prompt`: when and what it does, in words.
 * - `runningAt`: since when it runs.
 * - `last`: its last run that has ended.
 *
 * @internal
 */
export interface CronJob {
  readonly id: string
  readonly job: string
  readonly schedule: string
  readonly prompt: string
  readonly runningAt: number | undefined
  readonly last: CronRun | undefined
}

/**
 * A run of a cron job that has ended.
 *
 * - `isSkipped`: whether the gateway has not done it, or not gone on with it, since it could not be done: that is no failure to it.
 * - `error`: what it says has gone wrong.
 *
 * @internal
 */
export interface CronRun {
  readonly runId: string
  readonly startedAt: number
  readonly endedAt: number | null
  readonly outcome: Exclude<Run["outcome"], "running">
  readonly isSkipped: boolean
  readonly error: string | undefined
}

/**
 * The name of the job that a cron job of this name is a part of.
 *
 * @internal
 */
export const jobNamed = (name: string): string => `openclaw cron: ${name.trim().slice(0, MAX_NAME)}`

/**
 * A cron job runs once at a time, so that the time of its start is a name for a run, which all messages have.
 *
 * @internal
 */
export const runIdOf = (id: string, startedAt: number): string => `${id}:${startedAt}`

const Schedule = Schema.Struct({
  kind: lenient(Schema.String),
  expr: lenient(Schema.String),
  everyMs: lenient(Schema.Positive),
  at: lenient(Schema.String)
})

const Payload = Schema.Struct({
  message: lenient(Schema.String),
  text: lenient(Schema.String),
  argv: lenient(Schema.Array(Schema.String))
})

const State = Schema.Struct({
  runningAtMs: lenient(Millis),
  lastRunAtMs: lenient(Millis),
  lastDurationMs: lenient(Schema.NonNegative),
  lastRunStatus: lenient(Schema.String),
  lastStatus: lenient(Schema.String),
  lastError: lenient(Schema.String)
})

const Listed = Schema.Struct({
  id: Id,
  name: Name,
  schedule: lenient(Schedule),
  payload: lenient(Payload),
  state: lenient(State)
})

const Page = Schema.Struct({
  jobs: Schema.Array(Schema.Unknown),
  nextOffset: maybe(Schema.NonNegativeInt)
})

const decodePage = Schema.decodeUnknownOption(Page)

const decodeListed = Schema.decodeUnknownOption(Listed)

/**
 * A page of the answer to `cron.list`. An entry that is odd hides no other one.
 *
 * @internal
 */
export const pageOf = (
  payload: unknown
): Option.Option<{ readonly jobs: ReadonlyArray<CronJob>; readonly next: number | undefined }> =>
  Option.map(decodePage(payload), ({ jobs, nextOffset }) => ({
    jobs: jobs.flatMap((one) => Option.toArray(Option.map(decodeListed(one), cronJobOf))),
    next: nextOffset
  }))

const cronJobOf = ({ id, name, payload, schedule, state }: typeof Listed.Type): CronJob => ({
  id,
  job: jobNamed(name),
  schedule: schedule?.expr ?? (schedule?.everyMs === undefined ? (schedule?.at ?? "") : `every ${schedule.everyMs} ms`),
  prompt: (payload?.message ?? payload?.text ?? payload?.argv?.join(" ") ?? "").slice(0, MAX_TEXT),
  runningAt: state?.runningAtMs,
  last: lastOf(id, state)
})

const lastOf = (id: string, state: typeof State.Type | undefined): CronRun | undefined => {
  const status = state?.lastRunStatus ?? state?.lastStatus
  if (state?.lastRunAtMs === undefined || status === undefined) return undefined
  const { lastDurationMs, lastError, lastRunAtMs } = state
  return endedRun(id, { status, runAtMs: lastRunAtMs, durationMs: lastDurationMs, error: lastError })
}

const Diagnostics = Schema.Struct({ summary: lenient(Schema.String) })

const Ended = {
  status: lenient(Schema.String),
  completionStatus: lenient(Schema.String),
  runAtMs: lenient(Millis),
  durationMs: lenient(Schema.NonNegative),
  error: lenient(Schema.String),
  diagnostics: lenient(Diagnostics)
}

interface EndFields extends Partial<Schema.Struct.Type<typeof Ended>> {}

/** None if it is not said how it has ended. */
const endedRun = (id: string, end: EndFields): CronRun | undefined => {
  const { completionStatus, diagnostics, durationMs, error, runAtMs, status } = end
  if (runAtMs === undefined || status === undefined) return undefined
  const isGood = status === "ok" && completionStatus !== "failed"
  const isSkipped = status === "skipped"
  const wasStopped = isSkipped || (error !== undefined && CANCELLED.test(error))
  const why = error ?? diagnostics?.summary
  return {
    runId: runIdOf(id, runAtMs),
    startedAt: runAtMs,
    endedAt: durationMs === undefined ? null : Math.min(runAtMs + durationMs, LAST_INSTANT),
    outcome: isGood ? "succeeded" : wasStopped ? "stopped" : "failed",
    isSkipped,
    error: isGood ? undefined : why?.slice(0, MAX_ERROR)
  }
}

/** What the gateway says of a run that somebody has ended on purpose: it has no status of its own for that. */
const CANCELLED = /^cancelled by operator\b/i

const Happened = Schema.Struct({
  jobId: Id,
  action: Schema.String,
  job: lenient(Schema.Struct({ name: lenient(Name) })),
  ...Ended
})

const decodeHappened = Schema.decodeUnknownOption(Happened)

/**
 * What a `cron` event says: that a run has started, or has ended. `job` is not known of a cron job that was removed meanwhile.
 *
 * @internal
 */
export type CronEvent = { readonly id: string; readonly job: string | undefined } & (
  | { readonly _tag: "Started"; readonly startedAt: number }
  | { readonly _tag: "Ended"; readonly run: CronRun }
)

/** @internal */
export const eventOf = (payload: unknown): CronEvent | undefined => {
  const happened = Option.getOrUndefined(decodeHappened(payload))
  if (happened === undefined) return undefined
  const { action, jobId: id, runAtMs } = happened
  const job = happened.job?.name === undefined ? undefined : jobNamed(happened.job.name)
  if (action === "started" && runAtMs !== undefined) return { _tag: "Started", id, job, startedAt: runAtMs }
  const run = action === "finished" ? endedRun(id, happened) : undefined
  return run === undefined ? undefined : { _tag: "Ended", id, job, run }
}

const Entries = Schema.Struct({ entries: Schema.Array(Schema.Unknown) })

const decodeEntries = Schema.decodeUnknownOption(Entries)

const decodeEntry = Schema.decodeUnknownOption(Schema.Struct({ jobId: Id, ...Ended }))

/**
 * The answer to `cron.runs`.
 *
 * @internal
 */
export const runsOf = (payload: unknown): Option.Option<ReadonlyArray<CronRun>> =>
  Option.map(decodeEntries(payload), ({ entries }) =>
    entries.flatMap((entry) => {
      const found = Option.getOrUndefined(decodeEntry(entry))
      const run = found && endedRun(found.jobId, found)
      return run === undefined ? [] : [run]
    })
  )

/**
 * What is known of a job: what it is to do, and how its runs have ended, as the gateway says.
 *
 * @internal
 */
export const evidenceOf = (
  crons: ReadonlyArray<CronJob>,
  ended: ReadonlyArray<CronRun>,
  scope: EvidenceScope
): Evidence => {
  const running = crons.flatMap(({ id, runningAt }): ReadonlyArray<Run> => {
    if (runningAt === undefined) return []
    return [{ id: runIdOf(id, runningAt), outcome: "running", startedAt: runningAt, endedAt: null, exitCode: null }]
  })
  const runs = ended.map(
    ({ endedAt, outcome, runId, startedAt }): Run => ({ id: runId, outcome, startedAt, endedAt, exitCode: null })
  )
  const errors = ended
    .filter(({ error }) => error !== undefined)
    .toSorted((a, b) => a.startedAt - b.startedAt)
    .map(({ error, outcome, startedAt }) => `${new Date(startedAt).toISOString()} ${outcome}: ${error}`)
  const prompts = crons.map(({ prompt }) => prompt).filter((prompt) => prompt !== "")
  return {
    command: crons.map(({ job, schedule }) => (schedule === "" ? job : `${job} (${schedule})`)).join("; "),
    runs: runsWithin([...running, ...runs], scope),
    slaBreaches: [],
    logs: [
      ...(errors.length === 0 ? [] : [{ name: "errors", text: errors.join("\n").slice(-MAX_TEXT) }]),
      ...(prompts.length === 0 ? [] : [{ name: "prompt", text: prompts.join("\n\n").slice(0, MAX_TEXT) }])
    ],
    files: []
  }
}
