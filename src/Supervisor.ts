/**
 * The port of those who run jobs: which jobs there are, and what is known about them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Evidence, EvidenceScope } from "./Evidence.js"
import type { SupervisorError } from "./HealingError.js"
import { HealingPolicy } from "./HealingPolicy.js"
import { JobName } from "./HealingRequest.js"
import { OpenClaw } from "./OpenClaw.js"

/**
 * A job of a supervisor.
 *
 * - `id`: the name that its requests carry.
 * - `kind`: what it is, in the supervisor's words, such as `cluster` or `scheduled`.
 * - `openClaw`: whether it spends OpenClaw's tokens while it runs.
 * - `policy`: how it is to be reviewed.
 *
 * @since 0.1.0
 * @category schemas
 */
export const JobInfo = Schema.Struct({
  id: JobName,
  kind: Schema.String,
  openClaw: Schema.Boolean,
  policy: HealingPolicy
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
 * What an adapter to a supervisor implements.
 *
 * - `jobs`: those that there are now.
 * - `activity`: which OpenClaw jobs run. Each element is the whole truth: the first one tells how it stands, and one more
 *   comes after each change. An adapter that loses its supervisor says `Unknown`, and `Known` again when it has asked it
 *   anew. It never ends. Without OpenClaw jobs it is `Stream.concat(Stream.succeed(Activity.Known({ running: [] })), Stream.never)`.
 * - `evidence`: what is known about one of the jobs, asked for in the turn of its review.
 *
 * `jobs` and `evidence` may be interrupted, and fail with a `SupervisorError` if the supervisor does not answer.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Stream } from "effect"
 * import { Activity, Supervisor } from "effect-healing"
 *
 * /** Anew whenever one of them starts or ends. *\/
 * declare const running: Stream.Stream<ReadonlyArray<string>>
 *
 * const SupervisorLive = Layer.succeed(Supervisor, {
 *   jobs: Effect.succeed([{ id: "nightly-digest", kind: "cron", openClaw: true, policy: { minRuns: 5 } }]),
 *   activity: Stream.map(running, (running) => Activity.Known({ running })),
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
    readonly evidence: (job: JobInfo, scope: EvidenceScope) => Effect.Effect<Evidence, SupervisorError>
  }
>() {
  /**
   * Feeds the activity into the running state, as a source named `supervisor`: unknown, and thereby busy, until the first
   * element, and from then on if the stream ends or breaks (R16).
   *
   * @since 0.1.0
   */
  static readonly layerActivity: Layer.Layer<never, never, Supervisor | OpenClaw> = Layer.scopedDiscard(
    Effect.gen(function* () {
      const { activity } = yield* Supervisor
      const source = yield* (yield* OpenClaw).source("supervisor")
      yield* Stream.runForEach(activity, (known) =>
        known._tag === "Known" ? source.replace(known.running) : source.unknown(known.reason)
      ).pipe(
        Effect.zipRight(source.unknown("its activity has ended")),
        // Without the cause, in which an adapter may well name a secret.
        Effect.catchAllCause(() =>
          Effect.zipRight(
            source.unknown("its activity broke"),
            Effect.logError("The activity of the supervisor broke: until it is built anew, nothing is reviewed")
          )
        ),
        Effect.forkScoped
      )
    })
  )
}
