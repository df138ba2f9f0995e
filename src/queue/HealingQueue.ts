/**
 * What is wanted: durable requests, coalesced, reviewed in their turn, replayed after a crash.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type * as Stream from "effect/Stream"
import type { HealingService } from "../gate/HealingService.js"
import type { HealingInvalid, HealingQueueFull, HealingStoreError, ReviewError } from "../HealingError.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import type { Reviewer } from "../review/Reviewer.js"
import type { HealingConfig } from "../settings/HealingConfig.js"
import type { HealingStore } from "../store/HealingStore.js"
import * as Backoff from "./Backoff.js"
import type { HasForHealth } from "./ForHealth.js"
import type { HasForScheduler } from "./ForScheduler.js"
import type { HasForSuggestions } from "./ForSuggestions.js"
import type { HealingEvent } from "./HealingEvent.js"
import type { CancelTarget, HealingWish, HistoryOptions, Submission } from "./HealingWish.js"
import * as Queue from "./Queue.js"
import type { AwaitError, HealError, Review } from "./Review.js"

/**
 * Durable requests for reviews. They wait for their turn in the line of `HealingService`, together with those who call
 * `run`, and the `Reviewer` reviews them in it.
 *
 * At most one request of a job is pending and at most one is running; further wishes are added to the pending one (R14).
 * What was acknowledged survives the death of the process and is reviewed at least once (R13); a review that was cut off
 * by it is done again, up to `maxAttempts`.
 *
 * @example
 * ```ts
 * import { NodeContext } from "@effect/platform-node"
 * import { Effect, Layer } from "effect"
 * import { Healing, HealingQueue, Reviewed, Reviewer } from "effect-healing"
 *
 * const ReviewerLive = Layer.succeed(Reviewer, {
 *   review: ({ job }) => Effect.succeed(Reviewed.Completed({ report: { summary: `${job} looks well` } }))
 * })
 *
 * const program = Effect.gen(function* () {
 *   const queue = yield* HealingQueue
 *   yield* queue.submit({ job: "nightly-digest", trigger: "failure", runId: "2031" })
 *   const { report } = yield* queue.heal({ job: "weekly-report", maxWait: "1 hour" })
 *   yield* Effect.log(report.summary)
 * }).pipe(
 *   Effect.provide(Healing.layerSqlite({ filename: "healing.db" }).pipe(Layer.provide([ReviewerLive, NodeContext.layer])))
 * )
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class HealingQueue extends Context.Tag("effect-healing/HealingQueue")<
  HealingQueue,
  {
    /**
     * Asks for a review, and does not wait for it. The wish is on disk when it returns; it cannot be interrupted before.
     *
     * It fails with `HealingInvalid` if the wish does not fit, with `HealingQueueFull` if `maxPending` requests are
     * pending, and with `HealingStoreError` if it cannot be written. Then nothing was asked for.
     */
    readonly submit: (
      wish: HealingWish
    ) => Effect.Effect<Submission, HealingInvalid | HealingQueueFull | HealingStoreError>
    /**
     * Asks for a review, waits for it, and returns it as it was stored.
     *
     * The max wait and an interruption are the caller's: they end its wait. The request is then cancelled, or skipped,
     * only if nobody else wants it, and the interruption has ended when the review's finalizers have. From inside a job
     * or a review it fails at once with `HealingDeadlock`. If the process dies, nobody waits any more, and a request that
     * was only asked for here is cancelled at the next start.
     *
     * It fails as `submit` does, and
     *
     * - with `HealingTimeout` when it has had no turn within its max wait; a retry after that turn has no deadline,
     * - with `ReviewError` when the review has failed for good,
     * - with `HealingSkipped` or `HealingCancelled` when the request ended so,
     * - with `HealingClosed` when the layer is closed first.
     */
    readonly heal: (wish: HealingWish) => Effect.Effect<Review, HealError>
    /**
     * Cancels the request with this id, or the pending and the running one of this job, and interrupts its review.
     * Returns what was cancelled: nothing if there is nothing to cancel, or if the review came to its end first.
     *
     * It fails with `HealingInvalid`, and with `HealingStoreError` when the end could not be written yet: it holds
     * nevertheless, and is written as soon as it can be. Not for a review's own finalizers, which it would wait for.
     */
    readonly cancel: (
      target: CancelTarget
    ) => Effect.Effect<ReadonlyArray<HealingRequest>, HealingInvalid | HealingStoreError>
    /**
     * The request with this id, as it is now, also if it has ended. The answer is none if it was never made, or was removed after
     * `retention`.
     * It fails with `HealingInvalid` if the id is no id, and with `HealingStoreError` if the store cannot be read.
     */
    readonly get: (id: string) => Effect.Effect<Option.Option<HealingRequest>, HealingInvalid | HealingStoreError>
    /**
     * Waits for the end of a request, also of one that was made before a restart, and returns its review. A request that was
     * coalesced into another one ends with that.
     *
     * It only watches: it does not keep the request wanted, has no max wait, and interrupting it cancels nothing. From inside a job
     * or a review that the request would have to wait for it fails at once with `HealingDeadlock`.
     *
     * It fails with `HealingNotFound` if there is no such request, with `HealingSkipped`, `HealingCancelled` or `ReviewError` when
     * the request ends so, and with `HealingClosed` when the layer is closed first.
     */
    readonly await: (id: string) => Effect.Effect<Review, AwaitError>
    /** What is running, then what is pending, in the order of its turns; at most `maxPending` and those who run. */
    readonly pending: Effect.Effect<ReadonlyArray<HealingRequest>>
    /** What has ended, the newest first: 50 unless `limit` says otherwise, and after `before` for the next page. */
    readonly history: (
      options?: HistoryOptions
    ) => Effect.Effect<ReadonlyArray<HealingRequest>, HealingInvalid | HealingStoreError>
    /** No review of a request begins until `resume`, not even after a restart. One that runs goes on. */
    readonly pause: Effect.Effect<void, HealingStoreError>
    /** Ends a pause; a rate limit as well, since a person may know more than was named. */
    readonly resume: Effect.Effect<void, HealingStoreError>
    /**
     * What happens from now on. A reader who is more than 1,024 events late misses the oldest, and slows nobody down.
     */
    readonly events: Stream.Stream<HealingEvent>
  } & HasForScheduler &
    HasForSuggestions &
    HasForHealth
>() {
  /**
   * Requests that are pending in the store are replayed, in their order, before it is ready; those that were running when
   * its process died become pending again, or have failed after `maxAttempts`. When its scope closes, the running review
   * is interrupted, and its request stays pending.
   *
   * A review that failed is tried again after 30 seconds, then 60, and so on.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<
    HealingQueue,
    HealingStoreError,
    HealingService | HealingStore | Reviewer | HealingConfig
  > = Layer.scoped(this, Queue.make(Backoff.defaultSchedule))

  /**
   * The same, with a schedule of your own for the tries after a review that failed. Its n-th delay is waited after the
   * n-th failure; where it ends, the request has failed, if it has not by `maxAttempts`.
   *
   * @since 0.1.0
   */
  static readonly layerRetry = (
    schedule: Schedule.Schedule<unknown, ReviewError>
  ): Layer.Layer<HealingQueue, HealingStoreError, HealingService | HealingStore | Reviewer | HealingConfig> =>
    Layer.scoped(this, Queue.make(schedule))
}
