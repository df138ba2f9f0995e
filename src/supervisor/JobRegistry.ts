/**
 * The supervisor of an app of one's own: it tells what its jobs do, and that is kept in memory.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { type HealingInvalid, SupervisorError } from "../HealingError.js"
import * as Broadcast from "../internal/Broadcast.js"
import { decode, expecting, optional, withDefault } from "../internal/Input.js"
import * as SafeLog from "../internal/SafeLog.js"
import type { HealingPolicyInput } from "../policy/HealingPolicy.js"
import { JobName } from "../request/HealingRequest.js"
import type { JobId } from "../running/OpenClaw.js"
import { firstWholeLine } from "../text/Excerpt.js"
import { type Evidence, JobFile, Log, type Run, runsWithin } from "./Evidence.js"
import { Activity, JobEvent, type RunEvent, Supervisor } from "./Supervisor.js"

/**
 * A job that an app tells of.
 *
 * - `id`: its name, of 1 to 256 characters.
 * - `kind` ("process"): what it is, in the app's words.
 * - `openClaw` (false): whether it spends OpenClaw's tokens while it runs.
 * - `alwaysUp` (false): whether it never ends by itself.
 * - `restart`: restarts it, for one that is always up.
 * - `policy` (`{}`): when and how it is to be reviewed.
 * - `command` (""): its command line.
 * - `files`: those that say what it does, those that matter most first.
 * - `logs`: by their path or as text, those that matter most first; behind what is told by `print`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RegisteredJob {
  readonly id: JobId
  readonly kind?: string | undefined
  readonly openClaw?: boolean | undefined
  readonly alwaysUp?: boolean | undefined
  readonly restart?: Effect.Effect<void, SupervisorError> | undefined
  readonly policy?: HealingPolicyInput | undefined
  readonly command?: string | undefined
  readonly files?: ReadonlyArray<JobFile> | undefined
  readonly logs?: ReadonlyArray<Log> | undefined
}

/**
 * How a run has ended: `stopped` if that was on purpose; else it has succeeded with the exit code 0, and failed with any
 * other or none.
 *
 * - `exitCode`, `signal`: as Node tells them of a child process.
 * - `stopped` (false): whether it was ended on purpose, which is no failure.
 * - `lastError`: the last line that it has printed about what went wrong; of it the first 10,000 characters are kept.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunEnd {
  readonly exitCode?: number | null | undefined
  readonly signal?: string | null | undefined
  readonly stopped?: boolean | undefined
  readonly lastError?: string | null | undefined
}

/**
 * What an app tells of its jobs, for one that starts them itself; and for tests. Its layer provides the `Supervisor` over
 * it as well. What is kept is kept in memory, and ends with the layer.
 *
 * Everything takes effect at once, and fails with `HealingInvalid` if it is told what does not fit, and with a
 * `SupervisorError` if there is no such job.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { JobRegistry } from "effect-healing"
 *
 * declare const digest: Effect.Effect<{ readonly exitCode: number; readonly stderr: string }>
 *
 * const nightlyDigest = Effect.gen(function* () {
 *   const registry = yield* JobRegistry
 *   yield* registry.add({
 *     id: "nightly-digest",
 *     openClaw: true,
 *     policy: { schedule: { frequency: "weekly" } },
 *     command: "node digest.js",
 *     files: [{ path: "/srv/digest.js", role: "script" }]
 *   })
 *   const run = yield* registry.started("nightly-digest", { trigger: "cron" })
 *   const { exitCode, stderr } = yield* digest
 *   yield* registry.print("nightly-digest", stderr)
 *   yield* registry.ended("nightly-digest", run, { exitCode })
 * })
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class JobRegistry extends Context.Tag("effect-healing/JobRegistry")<
  JobRegistry,
  {
    /** Adds a job, or replaces what was told of it: its runs, breaches and what it has printed stay. */
    readonly add: (job: RegisteredJob) => Effect.Effect<void, HealingInvalid>
    /** Removes a job with everything that is kept of it. If it runs, it no longer counts. */
    readonly remove: (id: JobId) => Effect.Effect<void, SupervisorError>
    /**
     * A run has begun, with which an OpenClaw job counts as running. Returns the id of the run, which no other has, nor
     * had in an earlier life of the app. Of a job 200 runs are kept: those that run, and those that have ended last.
     */
    readonly started: (
      id: JobId,
      options?: { readonly trigger?: string | undefined }
    ) => Effect.Effect<string, HealingInvalid | SupervisorError>
    /**
     * A run has ended. If it has failed, that is an event. One that has ended before, or is not known, is ignored with a
     * warning.
     */
    readonly ended: (id: JobId, runId: string, end: RunEnd) => Effect.Effect<void, HealingInvalid | SupervisorError>
    /**
     * The job has printed something, of which the last 65,536 characters are kept from a whole line on, as the log
     * `output`. It is the first one of the evidence.
     */
    readonly print: (id: JobId, text: string) => Effect.Effect<void, HealingInvalid | SupervisorError>
    /**
     * A run was too late, too long or too expensive, and how, in at most 1,000 characters. That is an event, and the last
     * 100 of a job are kept.
     */
    readonly breached: (
      id: JobId,
      what: string,
      runId?: string
    ) => Effect.Effect<void, HealingInvalid | SupervisorError>
    /** Anything else has happened to a job. Nothing is kept of it. */
    readonly tell: (event: JobEvent) => Effect.Effect<void, HealingInvalid | SupervisorError>
  }
>() {
  /**
   * The registry has no job at first. A reader who is more than 1,024 events late misses the oldest.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<JobRegistry | Supervisor> = Layer.effectContext(
    Effect.map(Effect.clock, (clock) => {
      const { registry, supervisor } = make(clock)
      return Context.add(Context.make(JobRegistry, registry), Supervisor, supervisor)
    })
  )
}

const MAX_RUNS = 200
const MAX_OUTPUT = 64 * 1024
const MAX_BREACHES = 100
const MAX_EVENTS = 1024
const MAX_LAST_ERROR = 10_000

// -----------------------------------------------------------------------------
// What fits
// -----------------------------------------------------------------------------

const orNull = <A, I>(what: string, schema: Schema.Schema<A, I>) => expecting(`${what}, or null`)(Schema.NullOr(schema))

const aText = expecting("a text")(Schema.String)
const aBoolean = expecting("true or false")(Schema.Boolean)
const aName = expecting("the name of a job, of 1 to 256 characters")(JobName)
const aRunId = expecting("the id of a run, of 1 to 256 characters, or null")(JobEvent.fields.runId)
const anExitCode = orNull("a whole number", Schema.Int)

const accept = <A, I>(schema: Schema.Schema<A, I> & { readonly fields: object }) =>
  decode(schema, Object.keys(schema.fields))

const aPolicy = expecting("a policy, which is a mapping")(
  Schema.declare((policy: unknown): policy is HealingPolicyInput => Predicate.isReadonlyRecord(policy))
)

const Told = Schema.Struct({
  id: aName,
  kind: withDefault(aText, () => "process"),
  openClaw: withDefault(aBoolean, () => false),
  alwaysUp: withDefault(aBoolean, () => false),
  restart: optional(
    expecting("an Effect")(
      Schema.declare((restart: unknown): restart is Effect.Effect<void, SupervisorError> => Effect.isEffect(restart))
    )
  ),
  policy: withDefault(aPolicy, () => ({})),
  command: withDefault(aText, () => ""),
  files: withDefault(
    expecting("a list of files, each with its path and its role: script, prompt or config")(Schema.Array(JobFile)),
    () => []
  ),
  logs: withDefault(
    expecting("a list of logs, each with its name and either its text or its path")(Schema.Array(Log)),
    () => []
  )
})

const acceptJob = accept(Told)

const acceptStart = accept(
  Schema.Struct({
    trigger: withDefault(
      orNull("a text of at most 256 characters", Schema.String.pipe(Schema.maxLength(256))),
      () => null
    )
  })
)

const acceptEnd = accept(
  Schema.Struct({
    exitCode: withDefault(anExitCode, () => null),
    signal: withDefault(orNull("the name of a signal", Schema.String.pipe(Schema.maxLength(256))), () => null),
    stopped: withDefault(aBoolean, () => false),
    // However long it is: a run whose end is refused would run for ever.
    lastError: withDefault(orNull("a text", Schema.String), () => null)
  })
)

const acceptPrint = accept(Schema.Struct({ text: aText }))

const acceptBreach = accept(
  Schema.Struct({
    what: expecting("a text of at most 1,000 characters")(Schema.String.pipe(Schema.maxLength(1000))),
    runId: withDefault(aRunId, () => null)
  })
)

const acceptEvent = accept(
  Schema.Struct({
    job: aName,
    trigger: expecting("the name of an event, of 1 to 64 characters, but not manual or schedule")(
      JobEvent.fields.trigger
    ),
    runId: aRunId,
    exitCode: Schema.optionalWith(anExitCode, { exact: true }),
    lastError: Schema.optionalWith(
      orNull("a text of at most 10,000 characters", Schema.String.pipe(Schema.maxLength(MAX_LAST_ERROR))),
      { exact: true }
    )
  })
)

// -----------------------------------------------------------------------------
// What is kept
// -----------------------------------------------------------------------------

interface Job {
  told: typeof Told.Type
  /** The runs by their ids. Those that have ended stand in the order in which they ended. */
  readonly runs: Map<string, Run>
  /** The ids of those that run. */
  readonly running: Set<string>
  output: string
  /** How many characters stood before it, and were forgotten. */
  skipped: number
  /** The newest first. */
  breaches: Evidence["slaBreaches"]
}

const forgetOldRuns = ({ running, runs }: Job): void => {
  for (const id of runs.keys()) {
    if (runs.size <= MAX_RUNS) return
    if (!running.has(id)) runs.delete(id)
  }
}

const outcomeOf = (exitCode: number | null, stopped: boolean): Exclude<Run["outcome"], "running"> =>
  stopped ? "stopped" : exitCode === 0 ? "succeeded" : "failed"

const endOf = (output: string): string => {
  if (output.length <= MAX_OUTPUT) return output
  const end = output.slice(-MAX_OUTPUT)
  return end.slice(firstWholeLine(end))
}

/** Longer than a screen, since the registry and the supervisor are two faces of the same jobs. */
const make = (
  clock: Clock.Clock
): {
  readonly registry: Context.Tag.Service<JobRegistry>
  readonly supervisor: Context.Tag.Service<Supervisor>
} => {
  const jobs = new Map<JobId, Job>()
  // Each element is the whole truth, so only the last one is of use.
  const activity = Broadcast.make<Activity>(1)
  const events = Broadcast.make<JobEvent>(MAX_EVENTS)
  const runs = Broadcast.make<RunEvent>(MAX_EVENTS)
  let lastRun = 0

  const now = () => clock.unsafeCurrentTimeMillis()

  const known = (): Activity =>
    Activity.Known({
      running: Array.from(jobs.values()).flatMap(({ running, told }) =>
        told.openClaw ? Array.from(running, () => told.id) : []
      )
    })

  const tellActivity = () => activity.tell(known())

  const startOf = ({ alwaysUp, id }: Job["told"], run: Run): RunEvent => ({
    _tag: "Started",
    job: id,
    runId: run.id,
    at: run.startedAt,
    alwaysUp
  })

  const runningNow = (): ReadonlyArray<RunEvent> =>
    Array.from(jobs.values()).flatMap(({ running, runs, told }) =>
      Array.from(running, (id) => runs.get(id)).flatMap((run) => (run === undefined ? [] : [startOf(told, run)]))
    )

  /** Does something to a job, in one step. */
  const at = <A>(id: JobId, f: (job: Job) => A): Effect.Effect<A, SupervisorError> =>
    Effect.suspend(() => {
      const job = jobs.get(id)
      return job === undefined
        ? Effect.fail(new SupervisorError({ detail: `the registry has no job named ${id}` }))
        : Effect.succeed(f(job))
    })

  return {
    registry: {
      add: (job) =>
        Effect.map(acceptJob(job), (told) => {
          const before = jobs.get(told.id)
          if (before === undefined) {
            jobs.set(told.id, { told, runs: new Map(), running: new Set(), output: "", skipped: 0, breaches: [] })
          } else {
            before.told = told
            tellActivity()
          }
        }),
      remove: (id) =>
        at(id, ({ running, runs: known }) => {
          jobs.delete(id)
          tellActivity()
          for (const runId of running) {
            const startedAt = known.get(runId)?.startedAt ?? null
            runs.tell({ _tag: "Ended", job: id, runId, startedAt, at: now(), outcome: "stopped" })
          }
        }),
      started: (id, options = {}) =>
        Effect.flatMap(acceptStart(options), ({ trigger }) =>
          at(id, (job) => {
            const startedAt = now()
            // A later life counts from 1 again, but at another time.
            const runId = `${startedAt}-${++lastRun}`
            const run: Run = { id: runId, outcome: "running", startedAt, endedAt: null, exitCode: null, trigger }
            job.runs.set(runId, run)
            job.running.add(runId)
            forgetOldRuns(job)
            runs.tell(startOf(job.told, run))
            if (job.told.openClaw) tellActivity()
            return runId
          })
        ),
      ended: (id, runId, end) =>
        Effect.flatMap(acceptEnd(end), ({ exitCode, lastError, signal, stopped }) =>
          Effect.flatten(
            at(id, (job) => {
              const run = job.runs.get(runId)
              if (run === undefined || !job.running.delete(runId))
                return SafeLog.warn("Ignored the end of a run that does not run", { "healing.job": id })
              const outcome = outcomeOf(exitCode, stopped)
              const at = now()
              job.runs.delete(runId)
              job.runs.set(runId, { ...run, outcome, endedAt: at, exitCode, signal })
              forgetOldRuns(job)
              if (job.told.openClaw) tellActivity()
              const last = lastError === null ? {} : { lastError: lastError.slice(0, MAX_LAST_ERROR) }
              const { startedAt } = run
              runs.tell({ _tag: "Ended", job: id, runId, startedAt, at, outcome, exitCode, ...last })
              if (outcome === "failed") events.tell({ job: id, trigger: "failure", runId, exitCode, ...last })
              return Effect.void
            })
          )
        ),
      print: (id, text) =>
        Effect.flatMap(acceptPrint({ text }), ({ text }) =>
          at(id, (job) => {
            const all = job.output + text
            job.output = endOf(all)
            job.skipped += all.length - job.output.length
          })
        ),
      breached: (id, what, runId) =>
        Effect.flatMap(acceptBreach({ what, runId }), ({ runId, what }) =>
          at(id, (job) => {
            job.breaches = [{ at: now(), what }, ...job.breaches].slice(0, MAX_BREACHES)
            events.tell({ job: id, trigger: "sla_breach", runId })
          })
        ),
      tell: (event) => Effect.flatMap(acceptEvent(event), (event) => at(event.job, () => events.tell(event)))
    },
    supervisor: {
      jobs: Effect.sync(() =>
        Array.from(jobs.values(), ({ told: { alwaysUp, id, kind, openClaw, policy, restart } }) => ({
          id,
          kind,
          openClaw,
          ...(alwaysUp && restart !== undefined && { canRestart: true }),
          policy
        }))
      ),
      activity: activity.listenFrom(() => [known()]),
      events: events.listen,
      runs: runs.listenFrom(runningNow),
      restart: ({ id }) =>
        Effect.flatMap(
          at(id, ({ told }) => told.restart),
          (restart) => restart ?? new SupervisorError({ detail: `the registry cannot restart ${id}` })
        ),
      evidence: ({ id }, scope) =>
        at(id, ({ breaches, output, runs, skipped, told: { command, files, logs } }) => ({
          command,
          // If several have begun at the same time, the last to begin counts as the newest, or else the last to end.
          runs: runsWithin(Array.from(runs.values()).reverse(), scope),
          slaBreaches: breaches,
          logs: output === "" ? logs : [{ name: "output", text: output, ...(skipped > 0 && { skipped }) }, ...logs],
          files
        }))
    }
  }
}
