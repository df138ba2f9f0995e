/**
 * `run`: one who waits for a turn in a fiber of its own, and does a review in it.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HealingClosed, HealingConfigError, type HealingDeadlock, HealingTimeout, unchecked } from "../HealingError.js"
import type { JobId } from "../running/RunningState.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import * as Settings from "../settings/Settings.js"
import type { Gate } from "./Gate.js"
import * as Ticket from "./Ticket.js"
import { givenBack, type Restore } from "./Turn.js"

/** One call of `run`, from its call to its end. */
interface Call extends Ticket.Ticket {
  /** How the wait has ended, and what tells its fiber so: whichever comes first leaves it for the other. */
  outcome: Effect.Effect<void, HealingTimeout | HealingClosed> | undefined
  resume: ((outcome: Effect.Effect<void, HealingTimeout | HealingClosed>) => void) | undefined
}

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

const endWait = (call: Call, outcome: NonNullable<Call["outcome"]>) => {
  call.outcome = outcome
  call.resume?.(outcome)
  call.resume = undefined
}

const owner: Ticket.Owner<Call> = {
  granted: (call) => endWait(call, Effect.void),
  begun: () => {},
  deadlinePassed: (call, at, heldBy, ahead) => {
    const waited = Duration.millis(Math.round(at - call.calledAt))
    endWait(call, Effect.fail(new HealingTimeout({ job: call.job, waited, heldBy, ahead }, unchecked)))
    return undefined
  },
  timedOut: () => {},
  closed: (call) => endWait(call, Effect.fail(new HealingClosed({ job: call.job }, unchecked)))
}

const awaitTurn = (call: Call): Effect.Effect<void, HealingTimeout | HealingClosed> =>
  Effect.async((resume) => {
    if (call.outcome === undefined) call.resume = resume
    else resume(call.outcome)
  })

/** One turn after the other until a review has ended in one. */
const takeTurns = <A, E, R>(
  gate: Gate,
  call: Call,
  restore: Restore,
  review: Effect.Effect<A, E, R>
): Effect.Effect<A, E | HealingTimeout | HealingClosed, R> =>
  restore(awaitTurn(call)).pipe(
    Effect.zipRight(gate.takeTurn(call, restore, review)),
    Effect.flatMap((result) => {
      if (result !== givenBack) return Effect.succeed(result)
      call.outcome = undefined
      gate.giveTurnBack(call)
      return takeTurns(gate, call, restore, review)
    })
  )

/** @internal */
export const make =
  (gate: Gate, settings: Pick<HealingSettings, "maxWait" | "priority">) =>
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
          ...Ticket.make({
            job,
            lane: gate.callers,
            priority,
            place: gate.nextPlace(),
            notBefore: Number.NEGATIVE_INFINITY,
            deadline: calledAt + Duration.toMillis(maxWait),
            calledAt,
            limit: Number.POSITIVE_INFINITY
          }),
          owner,
          outcome: undefined,
          resume: undefined
        }
        return Effect.uninterruptibleMask((restore) => {
          gate.enter(call)
          return Effect.exit(takeTurns(gate, call, restore, review)).pipe(
            Effect.zipLeft(Effect.sync(() => gate.leave(call))),
            Effect.flatten
          )
        })
      }
    )
