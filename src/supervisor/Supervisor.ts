/**
 * The port of those who run jobs: which jobs there are, what happens to them, and what is known about them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { SupervisorError } from "../HealingError.js"
import { LAST_INSTANT } from "../internal/Clocks.js"
import { forkBounded } from "../internal/Interruption.js"
import * as SafeLog from "../internal/SafeLog.js"
import { EventTrigger } from "../policy/HealingPolicy.js"
import { JobName } from "../request/HealingRequest.js"
import { OpenClaw, type Source } from "../running/OpenClaw.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import type { Evidence, EvidenceScope } from "./Evidence.js"
import { listen } from "./Listening.js"

/**
 * A job of a supervisor.
 *
 * - `id`: the name that its requests carry, by which no other job goes.
 * - `kind`: what it is, in the supervisor's words, such as `cluster` or `scheduled`.
 * - `openClaw`: whether it spends OpenClaw's tokens while it runs.
 * - `alwaysUp` (false): whether it is an OpenClaw job that never ends by itself, so that it does not hold reviews up.
 * - `canRestart` (false): whether it never ends by itself, and the supervisor can restart it.
 * - `policy`: when and how it is to be reviewed, as it was written by its people or by the adapter, even if that is no policy:
 *   whoever reads it decodes it, and says whose policy is wrong and where. `{}` for the defaults.
 *
 * @since 0.1.0
 * @category schemas
 */
export const JobInfo = Schema.Struct({
  id: JobName,
  kind: Schema.String,
  openClaw: Schema.Boolean,
  alwaysUp: Schema.optionalWith(Schema.Boolean, { exact: true }),
  canRestart: Schema.optionalWith(Schema.Boolean, { exact: true }),
  policy: Schema.Unknown
})

/**
 * @since 0.1.0
 * @category models
 */
export interface JobInfo extends Schema.Schema.Type<typeof JobInfo> {}

/**
 * What a supervisor knows of its OpenClaw jobs.
 *
 * - `Known`: these run, and no others; one that runs twice is named twice.
 * - `Unknown`: it cannot be said, and why not, without anything secret.
 *
 * @since 0.1.0
 * @category models
 */
export type Activity = Data.TaggedEnum<{
  Known: { readonly running: ReadonlyArray<string> }
  Unknown: { readonly reason: string }
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const Activity = Data.taggedEnum<Activity>()

/**
 * Something that has happened to a job, for which it may be reviewed.
 *
 * - `trigger`: what: `failure`, `sla_breach`, or a name of your own that is neither `manual` nor `schedule`.
 * - `runId`: in which run, as the evidence calls it; 1 to 256 characters.
 * - `exitCode`: with which that has ended.
 * - `lastError`: the last line that it has printed about what went wrong, of at most 10,000 characters. What the logs tell counts as well.
 *
 * @since 0.1.0
 * @category schemas
 */
export const JobEvent = Schema.Struct({
  job: JobName,
  trigger: EventTrigger,
  runId: Schema.NullOr(Schema.NonEmptyString.pipe(Schema.maxLength(256))),
  exitCode: Schema.optional(Schema.NullOr(Schema.Int)),
  lastError: Schema.optional(Schema.NullOr(Schema.String.pipe(Schema.maxLength(10_000))))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface JobEvent extends Schema.Schema.Type<typeof JobEvent> {}

const RunId = JobEvent.fields.runId

const Millis = Schema.Finite.pipe(Schema.between(0, LAST_INSTANT))

/**
 * The start or the end of a run. Times are milliseconds since 1970; `null` if the supervisor does not know it.
 *
 * - `Started`: it runs since `at`. `alwaysUp`: whether it never ends by itself.
 * - `Ended`: it has begun at `startedAt` and ended at `at`. `outcome`: `stopped` is one that was ended on purpose, which is no failure.
 *   `exitCode` and `lastError` are those of a `JobEvent`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RunEvent = Schema.Union(
  Schema.TaggedStruct("Started", {
    job: JobName,
    runId: RunId,
    at: Schema.NullOr(Millis),
    alwaysUp: Schema.Boolean
  }),
  Schema.TaggedStruct("Ended", {
    job: JobName,
    runId: RunId,
    startedAt: Schema.NullOr(Millis),
    at: Schema.NullOr(Millis),
    outcome: Schema.Literal("succeeded", "failed", "stopped"),
    exitCode: JobEvent.fields.exitCode,
    lastError: JobEvent.fields.lastError
  })
)

/**
 * @since 0.1.0
 * @category models
 */
export type RunEvent = typeof RunEvent.Type

/**
 * What an adapter to a supervisor implements.
 *
 * - `jobs`: those that there are now. It is asked again each minute, and in the turn of each review.
 * - `activity`: which OpenClaw jobs run. Each element is the whole truth: the first one tells how it stands, and one more
 *   comes after each change. An adapter that loses its supervisor says `Unknown`, and `Known` again when it has asked it
 *   anew. It never ends. Without OpenClaw jobs it is `Stream.concat(Stream.succeed(Activity.Known({ running: [] })), Stream.never)`.
 * - `events`: what happens to jobs from now on that may be worth a review; each of them once. A run that was ended on purpose
 *   has not failed. It never ends; what it cannot keep for a slow reader it drops. Without events it is `Stream.never`.
 * - `runs`: each start and each end of a run from now on, good ones too; each of them once. First it tells what runs now, and since when. It
 *   never ends; what it cannot keep for a slow reader it drops. By it the changes of suggestions are judged.
 * - `evidence`: what is known about one of the jobs, asked for in the turn of its review, and after a failure.
 * - `restart`: restarts one of the jobs that `canRestart`, with the environment that it has. It is left out where the supervisor cannot, and
 *   only ever called for what a person has allowed.
 * - `ownPaths` (none): the absolute paths of the supervisor's own files and folders, which no suggestion may change.
 *
 * The streams may be run more than once at a time. Everything may be interrupted. `jobs` and `evidence` fail with a
 * `SupervisorError` if the supervisor does not answer, `evidence` also if it has no such job.
 *
 * `supervisorContract` of `effect-healing/testing` holds an adapter to all of this.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Stream } from "effect"
 * import { Activity, Supervisor } from "effect-healing"
 *
 * /** Anew whenever one of them starts or ends. *\/
 * declare const running: Stream.Stream<ReadonlyArray<string>>
 *
 * declare const failedRuns: Stream.Stream<string>
 *
 * declare const endedRuns: Stream.Stream<{
 *   readonly runId: string
 *   readonly startedAt: number
 *   readonly at: number
 *   readonly outcome: "succeeded" | "failed"
 * }>
 *
 * const SupervisorLive = Layer.succeed(Supervisor, {
 *   jobs: Effect.succeed([{ id: "nightly-digest", kind: "cron", openClaw: true, policy: {} }]),
 *   activity: Stream.map(running, (running) => Activity.Known({ running })),
 *   events: Stream.map(failedRuns, (runId) => ({ job: "nightly-digest", trigger: "failure", runId, exitCode: 1 })),
 *   runs: Stream.map(endedRuns, (run) => ({ _tag: "Ended", job: "nightly-digest", ...run })),
 *   evidence: () =>
 *     Effect.succeed({
 *       command: "node digest.js",
 *       runs: [{ id: "7", outcome: "failed", startedAt: 1_763_900_000_000, endedAt: 1_763_900_004_000, exitCode: 1 }],
 *       slaBreaches: [],
 *       logs: [{ name: "stderr", path: "/var/log/digest.err.log" }],
 *       files: [{ path: "/srv/digest.js", role: "script" }]
 *     })
 * })
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Supervisor extends Context.Tag("effect-healing/Supervisor")<
  Supervisor,
  {
    readonly jobs: Effect.Effect<ReadonlyArray<JobInfo>, SupervisorError>
    readonly activity: Stream.Stream<Activity>
    readonly events: Stream.Stream<JobEvent>
    readonly runs: Stream.Stream<RunEvent>
    readonly evidence: (job: JobInfo, scope: EvidenceScope) => Effect.Effect<Evidence, SupervisorError>
    readonly restart?: (job: JobInfo) => Effect.Effect<void, SupervisorError>
    readonly ownPaths?: ReadonlyArray<string>
  }
>() {
  /**
   * Feeds the activity into the running state, as a source named `supervisor`: unknown, and thereby busy, until the first
   * element, after the stream has ended or broken until the first element of another try, and when this layer closes (R16). The tries
   * follow after a second, two, four, up to a minute. Another one that is built over the same running state takes its place.
   *
   * @since 0.1.0
   */
  static readonly layerActivity: Layer.Layer<never, never, Supervisor | OpenClaw> = Layer.scopedDiscard(
    Effect.gen(function* () {
      const { activity } = yield* Supervisor
      const openClaw = yield* OpenClaw
      // It breaks off and does not end: a layer that closes, as at a shutdown, never opens the gate.
      const scope = yield* Effect.acquireRelease(Scope.make(), (scope) =>
        Scope.close(scope, Exit.interrupt(FiberId.none))
      )
      const source = yield* Scope.extend(openClaw.source("supervisor"), scope)
      const settings = yield* Effect.serviceOption(HealingConfig)
      const shutdownTimeout = Option.match(settings, { onNone: () => SHUTDOWN, onSome: (own) => own.shutdownTimeout })
      yield* forkBounded("The activity of the supervisor", shutdownTimeout)(feed(activity, source))
    })
  )
}

const SHUTDOWN = Duration.seconds(10)

/** An adapter that finds its supervisor again within this time is not worth a word. */
const GRACE = Duration.seconds(10)

/** Says once that it is not known what runs, and once that it is known again. */
const feed = (activity: Stream.Stream<Activity>, source: Source): Effect.Effect<never> => {
  /** Why it is not known. */
  let unknown: string | undefined
  let isTold = false
  /** How often it was lost, so that a word about one time is not said about another. */
  let times = 0
  const tell = (time: number) =>
    Effect.suspend(() => {
      if (unknown === undefined || isTold || time !== times) return Effect.void
      isTold = true
      return SafeLog.warn(`It is not known what runs, and nothing is reviewed until it is: ${unknown}`)
    })
  const lose = (reason: string, grace: Duration.Duration) => {
    const isNews = unknown === undefined
    unknown = reason
    if (isNews) times++
    const told = isNews ? Effect.fork(Effect.delay(tell(times), grace)) : Effect.void
    return Effect.zipRight(source.unknown(reason), told)
  }
  const learn = (running: ReadonlyArray<string>) => {
    const wasTold = isTold
    unknown = undefined
    isTold = false
    return Effect.zipRight(
      source.replace(running),
      wasTold ? Effect.logInfo("It is known again what runs: reviews go on") : Effect.void
    )
  }
  return listen(activity, {
    each: (known) => (known._tag === "Known" ? learn(known.running) : Effect.asVoid(lose(known.reason, GRACE))),
    broke: (how) => Effect.asVoid(lose(`its activity ${how}`, Duration.zero))
  })
}
