/**
 * The gate: whose turn it is.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Subscribable from "effect/Subscribable"
import { HealingClosed, HealingConfigError, type HealingDeadlock, HealingTimeout } from "../HealingError.js"
import * as InsideMark from "../running/InsideMark.js"
import type { JobId, OpenClaw } from "../running/OpenClaw.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import * as Settings from "../settings/Settings.js"
import * as Gate from "./Gate.js"
import type { HealingStatus } from "./HealingStatus.js"

/**
 * - `priority`: a number below 0; higher goes first. The setting `priority` by default.
 * - `maxWait`: from the call until the first turn; 0 means now or not at all, `Duration.infinity` for ever. The setting
 *   `maxWait` by default.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunOptions {
  readonly priority?: number | undefined
  readonly maxWait?: Duration.DurationInput | undefined
}

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
      options?: RunOptions
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

/**
 * One call of `run`, from its call to its end.
 */
interface Call extends Gate.Ticket {
  /** How the wait has ended, and what tells its fiber so: whichever comes first leaves it for the other. */
  outcome: Effect.Effect<void, HealingTimeout | HealingClosed> | undefined
  resume: ((outcome: Effect.Effect<void, HealingTimeout | HealingClosed>) => void) | undefined
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

// A name that is no string after all, from a caller without types, is not to break the gate.
const unchecked = { disableValidation: true }

const endWait = (call: Call, outcome: NonNullable<Call["outcome"]>) => {
  call.outcome = outcome
  call.resume?.(outcome)
  call.resume = undefined
}

const owner: Gate.Owner<Call> = {
  granted: (call) => endWait(call, Effect.void),
  begun: () => {},
  overstayed: (call, at, heldBy, ahead) => {
    const waited = Duration.millis(Math.round(at - call.calledAt))
    endWait(call, Effect.fail(new HealingTimeout({ job: call.job, waited, heldBy, ahead }, unchecked)))
    return undefined
  },
  overran: () => {},
  closed: (call) => endWait(call, Effect.fail(new HealingClosed({ job: call.job }, unchecked)))
}

const awaitTurn = (call: Call): Effect.Effect<void, HealingTimeout | HealingClosed> =>
  Effect.async((resume) => {
    if (call.outcome === undefined) call.resume = resume
    else resume(call.outcome)
  })

const make = Effect.gen(function* () {
  const settings = yield* HealingConfig
  const gate = yield* Gate.make

  const takeTurns = <A, E, R>(
    call: Call,
    restore: Restore,
    review: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | HealingTimeout | HealingClosed, R> =>
    restore(awaitTurn(call)).pipe(
      Effect.zipRight(gate.takeTurn(call, restore, review)),
      Effect.flatMap((result) => {
        if (result !== Gate.givenBack) return Effect.succeed(result)
        call.outcome = undefined
        gate.giveTurnBack(call)
        return takeTurns(call, restore, review)
      })
    )

  const run =
    (job: JobId, options?: RunOptions) =>
    <A, E, R>(
      review: Effect.Effect<A, E, R>
    ): Effect.Effect<A, E | HealingTimeout | HealingDeadlock | HealingClosed, R> =>
      Effect.flatMap(
        gate.deadlock(job),
        (deadlock): Effect.Effect<A, E | HealingTimeout | HealingDeadlock | HealingClosed, R> => {
          if (deadlock !== undefined) return Effect.fail(deadlock)
          const own = options === undefined ? undefined : Settings.fromOptions(options, `run("${job}")`)
          if (own !== undefined && Arr.isNonEmptyReadonlyArray(own.issues)) {
            return Effect.die(new HealingConfigError({ issues: own.issues }))
          }
          const { maxWait = settings.maxWait, priority = settings.priority } = own?.settings ?? {}
          const calledAt = gate.now()
          const call: Call = {
            job,
            owner,
            lane: gate.callers,
            priority,
            place: gate.nextPlace(),
            notBefore: Number.NEGATIVE_INFINITY,
            deadline: calledAt + Duration.toMillis(maxWait),
            overdue: false,
            calledAt,
            stage: "out",
            outcome: undefined,
            resume: undefined,
            mark: undefined,
            waitingSince: calledAt,
            turnAt: calledAt,
            limit: Number.POSITIVE_INFINITY,
            limitAt: Number.POSITIVE_INFINITY,
            turns: 0,
            yields: 0,
            interruptible: undefined,
            started: 0
          }
          return Effect.uninterruptibleMask((restore) => {
            gate.enter(call)
            return Effect.exit(takeTurns(call, restore, review)).pipe(
              Effect.zipLeft(Effect.sync(() => gate.leave(call))),
              Effect.flatten
            )
          })
        }
      )

  return { run, detached: InsideMark.cleared, status: gate.status, [Gate.gate]: gate }
})
