/**
 * When: schedules and events of jobs become requests.
 *
 * @since 0.1.0
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { HealingStoreError, SupervisorError } from "../HealingError.js"
import type { PolicyIssue } from "../policy/HealingPolicy.js"
import type { HealingQueue } from "../queue/HealingQueue.js"
import type { HealingConfig } from "../settings/HealingConfig.js"
import type { Occurrence } from "../store/Change.js"
import type { HealingStore } from "../store/HealingStore.js"
import type { Supervisor } from "../supervisor/Supervisor.js"
import type { HasForNotices } from "./ForNotices.js"
import * as Scheduler from "./Scheduler.js"

export type { Occurrence } from "../store/Change.js"

/**
 * Has jobs reviewed without anybody asking, as their `HealingPolicy` says: by the clock, and when something happens to them.
 *
 * **By the clock.** Each occurrence of a schedule comes to one request, or to one reason why not, and which it was is
 * written together: `occurrences` tells. A review that is due while the queue is busy waits in it for as long as
 * it takes (R17), and the schedule goes on from the occurrence. Occurrences that were missed, by more than two minutes, since the
 * process was not there, slept, or had its clock changed, come to one request in all, for the last of them; one every six
 * seconds over all jobs, and none for what is older than the setting `maxCatchUpAge`. A schedule counts from when it is first
 * seen, and anew from when it is changed. A job that is gone for a while goes on where it was. A clock that is set back has
 * nothing happen twice, unless it was wrong by more than 26 hours.
 *
 * **By events**, those that the `triggers` of the job name. Of many that look the same at once the newest counts. A failure
 * that has the signature of one that a completed review was about is not reviewed again, for as long as that review is kept
 * (`retention`), until the command line of the job or one of its files is another, or a person asks. The signature is made of
 * the exit code and all that the logs tell of errors, without what differs from run to run. A failure of which nothing is known but
 * that it has ended cannot be told from others, and is reviewed.
 *
 * **Policies** are read from the supervisor each minute, together with the setting `jobs`, which stands over them. One that is
 * wrong is logged, with the job, the key and what would be right, and is in `problems`; until it is right, nothing but a
 * person has its job reviewed, and the other jobs go on. While the supervisor does not answer, things stay as they were.
 * With the setting `enabled` off no job has a policy. What was asked for before a policy was switched off is skipped in its
 * turn, unless a person has asked for it as well.
 *
 * @example
 * ```ts
 * import { NodeContext } from "@effect/platform-node"
 * import { Effect, Layer } from "effect"
 * import { Healing, HealingScheduler, type Reviewer, type Supervisor } from "effect-healing"
 *
 * declare const SupervisorLive: Layer.Layer<Supervisor>
 * declare const ReviewerLive: Layer.Layer<Reviewer>
 *
 * const settings = { jobs: { "nightly-digest": { schedule: { frequency: "daily", time: "04:30" }, cooldown: "1 hour" } } } as const
 *
 * const program = Effect.gen(function* () {
 *   const { upcoming } = yield* HealingScheduler
 *   yield* Effect.log(yield* upcoming)
 *   return yield* Effect.never
 * }).pipe(
 *   Effect.provide(Healing.layerSupervised({ filename: "healing.db", settings })),
 *   Effect.provide(Layer.mergeAll(SupervisorLive, ReviewerLive, NodeContext.layer))
 * )
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class HealingScheduler extends Context.Tag("effect-healing/HealingScheduler")<
  HealingScheduler,
  {
    /**
     * Reads the jobs and their policies now, and not within a minute: it ends when they hold. It fails with
     * `SupervisorError` if the supervisor does not answer within 30 seconds.
     */
    readonly refresh: Effect.Effect<void, SupervisorError>
    /** When jobs are next due, in milliseconds since 1970; the soonest first, at most 100 of them. */
    readonly upcoming: Effect.Effect<ReadonlyArray<{ readonly job: string; readonly at: number }>>
    /** What has come of the occurrences of the schedule of a job, the one that was written last first, at most 100 of them. */
    readonly occurrences: (job: string) => Effect.Effect<ReadonlyArray<Occurrence>, HealingStoreError>
    /** What is wrong with policies, as they were last read, and which schedules a clock that was ahead has put out of step. */
    readonly problems: Effect.Effect<ReadonlyArray<PolicyIssue>>
  } & HasForNotices
>() {
  /**
   * It reads what was done last, and fails with `HealingStoreError` if it cannot. One timer for all jobs sleeps until the
   * next of them is due, or for a minute. When its scope closes, events that were not yet looked into become requests as
   * they are.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<
    HealingScheduler,
    HealingStoreError,
    HealingQueue | Supervisor | HealingStore | HealingConfig | FileSystem
  > = Layer.scoped(this, Scheduler.make)
}
