/**
 * The gate: whose turn it is.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Subscribable from "effect/Subscribable"
import type { HealingClosed, HealingDeadlock, HealingTimeout } from "../HealingError.js"
import * as InsideMark from "../running/InsideMark.js"
import type { JobId, OpenClaw } from "../running/OpenClaw.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import * as Gate from "./Gate.js"
import type { HealingStatus } from "./HealingStatus.js"
import * as Run from "./Run.js"

export type { RunOptions } from "./Run.js"

/**
 * The gate. A review that goes through it runs when it is its turn, which is when no OpenClaw job runs and none has for
 * the quiet period, no other review has the turn, and nobody stands before it in the line.
 *
 * @since 0.1.0
 * @category tags
 */
export class HealingService extends Context.Tag("effect-healing/HealingService")<
  HealingService,
  {
    /**
     * Runs a review of the job when it is its turn.
     *
     * The review runs in the caller's fiber, with the caller's services, spans and fiber refs, and can be interrupted
     * at any instant, waiting or running; `run` ends when the review's finalizers have. It fails with whatever the
     * review fails with, and
     *
     * - with `HealingTimeout` when it has had no turn within its max wait,
     * - with `HealingDeadlock`, at once, from inside a job that it would wait for or from inside any review,
     * - with `HealingClosed` when the service's layer is closed before its turn.
     *
     * A bad option is a defect.
     *
     * Under `onJobStart: "yield"` the review is a child fiber of the caller's, so that it alone can be interrupted and
     * run anew. There, the fibers that it forks end with it instead of with the caller, and what it has added to a
     * scope of the caller's stays there when it yields.
     *
     * @example
     * ```ts
     * import { Console, Effect } from "effect"
     * import { HealingService } from "effect-healing"
     *
     * const review = Effect.gen(function* () {
     *   const healing = yield* HealingService
     *   yield* healing.run("nightly-digest", { maxWait: "1 hour" })(Console.log("reviewing"))
     * }).pipe(Effect.catchTag("HealingTimeout", (timeout) => Console.log(timeout.message)))
     * ```
     */
    readonly run: (
      job: JobId,
      options?: Run.RunOptions
    ) => <A, E, R>(
      review: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | HealingTimeout | HealingDeadlock | HealingClosed, R>
    /**
     * Runs the effect outside of every job and review that its caller is inside of, so that it may ask for a healing
     * without a `HealingDeadlock`. For work that is only started in there, and that nobody in there waits for.
     */
    readonly detached: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /**
     * The gate as it is now: made when it is read, and without effect on the gate. A subscriber gets the latest status
     * after each change, not one for each.
     */
    readonly status: Subscribable.Subscribable<HealingStatus>
  } & Gate.HasGate
>() {
  /**
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<HealingService, never, OpenClaw | HealingConfig> = Layer.scoped(
    this,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const gate = yield* Gate.make
  return {
    run: Run.make(gate, yield* HealingConfig),
    detached: InsideMark.cleared,
    status: gate.status,
    [Gate.gate]: gate
  }
})
