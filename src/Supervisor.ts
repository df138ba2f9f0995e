/**
 * The port of those who run jobs: which jobs there are, and what is known about them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Evidence, EvidenceScope } from "./Evidence.js"
import type { SupervisorError } from "./HealingError.js"
import { HealingPolicy } from "./HealingPolicy.js"
import { JobName } from "./HealingRequest.js"

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
 * What an adapter to a supervisor implements. Both are asked in the turn of a review, may be interrupted, and fail with a
 * `SupervisorError` if the supervisor does not answer.
 *
 * - `jobs`: those that there are now.
 * - `evidence`: what is known about one of them.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Supervisor } from "effect-healing"
 *
 * const SupervisorLive = Layer.succeed(Supervisor, {
 *   jobs: Effect.succeed([{ id: "nightly-digest", kind: "cron", openClaw: true, policy: { minRuns: 5 } }]),
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
    readonly evidence: (job: JobInfo, scope: EvidenceScope) => Effect.Effect<Evidence, SupervisorError>
  }
>() {}
