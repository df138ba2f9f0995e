/**
 * Warns of suggestions on which nobody has decided, and ends them; and the watch of those that were applied.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import { giveWay } from "../internal/Clocks.js"
import * as SafeLog from "../internal/SafeLog.js"
import type { ForSuggestions } from "../queue/ForSuggestions.js"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import { suggestion as change, type SuggestionChange, terms } from "../store/Change.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import { eventOf, SuggestionEvent } from "./SuggestionEvent.js"

const AT_ONCE = 100

/** A timer does not hear of a clock that is set, or of a machine that was suspended. */
const LONGEST_SLEEP = Duration.toMillis("6 hours")

/** Until what could not be done is tried again. */
const SHORTEST_SLEEP = Duration.toMillis("1 minute")

/**
 * - `keep`: does what is due, for as long as the scope is open.
 * - `changed`: there may be one that is due sooner.
 * - `settled`: the suggestion as it is now, which has expired if its time is over.
 *
 * @internal
 */
export interface Terms {
  readonly keep: Effect.Effect<void, never, Scope.Scope>
  readonly changed: Effect.Effect<void>
  readonly settled: (suggestion: HealingSuggestion) => Effect.Effect<HealingSuggestion, HealingStoreError>
}

/** What is to be done with one that is due. */
interface Step {
  readonly change: SuggestionChange
  readonly event: SuggestionEvent
}

const stepOf = (one: HealingSuggestion, at: number): Step => {
  const isWarning = SuggestionLife.isToBeWarnedOf(one)
  const suggestion = isWarning ? SuggestionLife.warn(one, at) : SuggestionLife.expire(one, at)
  const event = isWarning ? SuggestionEvent.ExpiresSoon({ at, suggestion }) : eventOf(one.state, suggestion)
  const dueAt = SuggestionLife.dueAt(one) ?? undefined
  return { change: change(one.state, suggestion, dueAt), event }
}

/** @internal */
export const make = ({
  onClockSet,
  store,
  tell,
  wall,
  write
}: ForSuggestions & {
  readonly store: SuggestionJournal
  readonly tell: (event: SuggestionEvent) => void
}): Effect.Effect<Terms, never, Scope.Scope> =>
  Effect.gen(function* () {
    const wake = yield* Effect.makeLatch(false)
    /** By how much the clock was set since terms were moved last. */
    let ahead = 0
    onClockSet((by) => {
      ahead += by
      wake.unsafeOpen()
    })

    const tellOf = ({ event }: Step) =>
      Effect.suspend(() => {
        const { id, isOld, suggestion } = event.suggestion
        if (isOld && event._tag === "Expired") return Effect.void
        tell(event)
        return event._tag === "ExpiresSoon"
          ? SafeLog.warn(`The suggestion ${id} expires in a day, and nobody has decided on it: ${suggestion.title}`)
          : Effect.void
      })

    /** Somebody may have decided on one of them, or the clock may have been set: then that one is left to the next look. */
    const doSteps = (steps: ReadonlyArray<Step>): Effect.Effect<void, HealingStoreError> =>
      write(() => steps.map(({ change }) => change)).pipe(
        Effect.zipRight(Effect.forEach(steps, tellOf, { discard: true })),
        Effect.catchIf(
          ({ reason }) => reason === "UnexpectedState",
          () => (steps.length === 1 ? Effect.void : Effect.forEach(steps, (step) => doSteps([step]), { discard: true }))
        )
      )

    /** If the clock was set, terms are moved, before it is asked what is due. */
    const now: Effect.Effect<number, HealingStoreError> = Effect.suspend(() => {
      const at = wall()
      const by = ahead
      if (by === 0) return Effect.succeed(at)
      ahead = 0
      return write(() => [terms(by)]).pipe(
        Effect.tapError(() =>
          Effect.sync(() => {
            ahead += by
          })
        ),
        Effect.zipRight(now)
      )
    })

    const settleSome = Effect.gen(function* () {
      const at = yield* now
      const due = yield* store.due(at, AT_ONCE)
      yield* doSteps(due.map((one) => stepOf(one, at)))
      return due.length
    }).pipe(Effect.uninterruptible)

    const settleAll: Effect.Effect<void, HealingStoreError> = Effect.flatMap(settleSome, (done) =>
      done < AT_ONCE ? Effect.void : Effect.zipRight(giveWay, settleAll)
    )

    const sleep = Effect.flatMap(store.nextDue, (next) => {
      const left = Option.match(next, { onNone: () => LONGEST_SLEEP, onSome: (at) => at - wall() })
      const millis = left > 0 ? Math.min(left, LONGEST_SLEEP) : SHORTEST_SLEEP
      return Effect.timeoutOption(wake.await, Duration.millis(millis))
    })

    const keep = Effect.suspend(() => {
      wake.unsafeClose()
      return Effect.zipRight(settleAll, sleep)
    }).pipe(
      // The queue says in the log that its store fails.
      Effect.catchAll(() => Effect.sleep(SHORTEST_SLEEP)),
      Effect.forever,
      Effect.forkScoped,
      Effect.asVoid
    )

    const asItIs = (suggestion: HealingSuggestion) =>
      Effect.map(
        store.find(suggestion),
        Option.getOrElse(() => suggestion)
      )

    return {
      keep,
      changed: wake.open,
      settled: (suggestion) =>
        Effect.gen(function* () {
          const at = yield* now
          const found = yield* asItIs(suggestion)
          const { expiresAt } = found
          if (!SuggestionLife.isOpen(found) || SuggestionLife.isToBeWarnedOf(found) || (expiresAt ?? at) > at)
            return found
          yield* doSteps([stepOf(found, at)])
          return yield* asItIs(found)
        }).pipe(Effect.uninterruptible)
    }
  })
