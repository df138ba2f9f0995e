/**
 * The fields that we keep of ProcClaw's answers, as version 0.1.0 was recorded: https://github.com/marcosgabbardo/Procclaw.
 *
 * @internal
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { lenient, maybe } from "../internal/Lenient.js"
import type { Run } from "../supervisor/Evidence.js"
import { instantOf } from "./LocalTime.js"

/** Longer than that no name of a job can be. */
const JobId = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(256))

const Command = Schema.String.pipe(Schema.maxLength(64 * 1024))

const Listed = Schema.Struct({
  id: JobId,
  // Without these it is not known what it is and whether it runs.
  type: Schema.String,
  status: Schema.String,
  cmd: lenient(Command),
  sla: lenient(Schema.Struct({ enabled: lenient(Schema.Boolean) })),
  self_healing: lenient(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
})

/**
 * A job as ProcClaw lists it.
 *
 * - `type`: `openclaw` is one that calls OpenClaw, `continuous` one that never ends by itself.
 * - `hasSla`: whether it is to keep to a service level.
 * - `selfHealing`: what it says of its reviews, as it is written.
 *
 * @internal
 */
export interface Job {
  readonly id: string
  readonly type: string
  readonly isRunning: boolean
  readonly command: string
  readonly hasSla: boolean
  readonly selfHealing: Readonly<Record<string, unknown>>
}

const decodeJobs = Schema.decodeUnknownOption(Schema.Struct({ jobs: Schema.Array(Schema.Unknown) }))

const decodeListed = Schema.decodeUnknownOption(Listed)

/**
 * - `odd`: how many entries could not be read: what they are is not known.
 *
 * @internal
 */
export const jobsOf = (body: unknown): Option.Option<{ readonly jobs: ReadonlyArray<Job>; readonly odd: number }> =>
  Option.map(decodeJobs(body), ({ jobs }) => {
    const read = jobs.flatMap((one) => Option.toArray(decodeListed(one)))
    return {
      jobs: read.map(({ cmd, id, self_healing, sla, status, type }) => ({
        id,
        type,
        isRunning: status === "running",
        command: cmd ?? "",
        hasSla: sla?.enabled === true,
        selfHealing: self_healing ?? {}
      })),
      odd: jobs.length - read.length
    }
  })

const ListedRun = Schema.Struct({
  id: Schema.Int,
  job_id: JobId,
  started_at: lenient(Schema.String),
  finished_at: maybe(Schema.String),
  exit_code: lenient(Schema.Int),
  original_exit_code: lenient(Schema.Int),
  status: lenient(Schema.String),
  trigger: lenient(Schema.String),
  error: lenient(Schema.String)
})

/**
 * A run as ProcClaw lists it.
 *
 * - `key`: what no other run has, not even one of another database, where the numbers begin anew.
 * - `wasCutOff`: whether ProcClaw has ended it from outside, after which what it has started may live on.
 *
 * @internal
 */
export interface ListedRun {
  readonly key: string
  readonly job: string
  readonly run: Run
  readonly error: string | undefined
  readonly wasCutOff: boolean
}

const decodeRuns = Schema.decodeUnknownOption(Schema.Struct({ runs: Schema.Array(Schema.Unknown) }))

const decodeRun = Schema.decodeUnknownOption(ListedRun)

/** Of what a run has said last, in characters. */
const MAX_ERROR = 10_000

/**
 * None if one of them is odd: it may be one that runs.
 *
 * @internal
 */
export const runsOf = (body: unknown, timeZone: string): Option.Option<ReadonlyArray<ListedRun>> =>
  Option.flatMap(decodeRuns(body), ({ runs }) =>
    Option.all(runs.map((one) => Option.map(decodeRun(one), (run) => listedRunOf(run, timeZone))))
  )

const listedRunOf = (run: typeof ListedRun.Type, timeZone: string): ListedRun => {
  const { error, finished_at, id, job_id, started_at, trigger } = run
  const exitCode = run.original_exit_code ?? run.exit_code ?? null
  const outcome = finished_at === undefined ? "running" : outcomeOf(exitCode, error)
  return {
    key: `${id} ${started_at ?? ""}`,
    job: job_id,
    run: {
      id: `${id}`,
      outcome,
      startedAt: started_at === undefined ? null : instantOf(started_at, timeZone),
      endedAt: finished_at === undefined ? null : instantOf(finished_at, timeZone),
      exitCode,
      trigger: trigger ?? null
    },
    error: error === undefined || SAYS_NOTHING.test(error) ? undefined : error.slice(0, MAX_ERROR),
    wasCutOff: outcome !== "running" && (exitCode === null || exitCode < 0)
  }
}

/** What the exit code says as well. */
const SAYS_NOTHING = /^Exit code: -?\d+$/

/** SIGTERM, SIGINT and SIGHUP: it was asked to end. ProcClaw gives the first one as well to what it has lost sight of, whatever became of it. */
const ASKED: ReadonlySet<number | null> = new Set([-15, -2, -1])

/** What it says of a run that was killed together with ProcClaw itself. */
const KILLED = /^Killed mid-execution/

const outcomeOf = (exitCode: number | null, error: string | undefined): Exclude<Run["outcome"], "running"> => {
  if (exitCode === 0) return "succeeded"
  if (error !== undefined && KILLED.test(error)) return "failed"
  const wasStopped = ASKED.has(exitCode) || error === "Manually stopped"
  return wasStopped || exitCode === null ? "stopped" : "failed"
}

const Breach = Schema.Struct({
  run_id: Schema.Int,
  job_id: JobId,
  started_at: lenient(Schema.String),
  on_time_check: lenient(Schema.Boolean),
  duration_check: lenient(Schema.Boolean),
  delay_seconds: lenient(Schema.Finite),
  duration_seconds: lenient(Schema.Finite)
})

/**
 * A run that was too late or too long. `what`: in words.
 *
 * @internal
 */
export interface SlaBreach {
  readonly key: string
  readonly job: string
  readonly runId: string
  readonly at: number
  readonly what: string
}

const decodeBreaches = Schema.decodeUnknownOption(Schema.Struct({ breaches: Schema.Array(Schema.Unknown) }))

const decodeBreach = Schema.decodeUnknownOption(Breach)

/**
 * Those that are more than a failure, which the runs tell of.
 *
 * @internal
 */
export const breachesOf = (body: unknown, timeZone: string): Option.Option<ReadonlyArray<SlaBreach>> =>
  Option.map(decodeBreaches(body), ({ breaches }) =>
    breaches.flatMap((one) => {
      const breach = Option.getOrUndefined(decodeBreach(one))
      if (breach === undefined) return []
      const what = [
        ...(breach.on_time_check === false ? [`it began too late${secondsOf(breach.delay_seconds)}`] : []),
        ...(breach.duration_check === false ? [`it took too long${secondsOf(breach.duration_seconds)}`] : [])
      ]
      if (what.length === 0) return []
      const { job_id, run_id, started_at } = breach
      const at = started_at === undefined ? 0 : (instantOf(started_at, timeZone) ?? 0)
      return [
        { key: `sla ${run_id} ${started_at ?? ""}`, job: job_id, runId: `${run_id}`, at, what: what.join(", and ") }
      ]
    })
  )

const secondsOf = (seconds: number | undefined): string => (seconds === undefined ? "" : `: ${Math.round(seconds)} s`)

const decodeLines = Schema.decodeUnknownOption(Schema.Struct({ lines: Schema.Array(Schema.String) }))

/**
 * The lines of a log.
 *
 * @internal
 */
export const linesOf = (body: unknown): string =>
  Option.match(decodeLines(body), { onNone: () => "", onSome: ({ lines }) => lines.join("\n") })

const decodePrompt = Schema.decodeUnknownOption(
  Schema.Struct({ path: lenient(Schema.String), content: lenient(Schema.String) })
)

/**
 * The prompt of an OpenClaw job, and where it stands.
 *
 * @internal
 */
export const promptOf = (
  body: unknown
): { readonly path?: string | undefined; readonly content?: string | undefined } =>
  Option.getOrElse(decodePrompt(body), () => ({}))

const Detail = Schema.Struct({ status: lenient(Schema.String), pid: lenient(Schema.Int) })

const decodeDetail = Schema.decodeUnknownOption(Detail)

/**
 * What a job runs as now, if it runs.
 *
 * @internal
 */
export const pidOf = (body: unknown): number | undefined =>
  Option.getOrUndefined(
    Option.flatMapNullable(decodeDetail(body), ({ pid, status }) => (status === "running" ? pid : undefined))
  )
