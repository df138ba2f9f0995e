/**
 * Takes back what a rule has applied and what has relapsed.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { HealingStoreError, SuggestionsStopped } from "../HealingError.js"
import * as SafeLog from "../internal/SafeLog.js"
import { type AutomaticChange, suggestionId } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import type { KillSwitch } from "./KillSwitch.js"
import { isUnnamed } from "./Previewing.js"
import type { RollingBack } from "./RollingBack.js"

type RollbackProblem = Effect.Effect.Error<ReturnType<RollingBack<SuggestionsStopped>>>

/** Of those that are looked at at a time. */
const MAX_LOCKS = 1000

/**
 * - `rollingBack`: which the kill switch stops.
 *
 * @internal
 */
export interface Needs {
  readonly killSwitch: KillSwitch
  readonly rollingBack: RollingBack<SuggestionsStopped>
  readonly store: SuggestionJournal
}

/**
 * One look at all that has locked its job. It says whether something is left to be taken back.
 *
 * @internal
 */
export const make = ({ killSwitch, rollingBack, store }: Needs): Effect.Effect<boolean, HealingStoreError> => {
  /** Those that cannot be taken back. */
  const left = new Set<string>()

  /** Returns whether it is to be tried again. */
  const takeBack = (rule: string, id: string) =>
    Effect.matchEffect(rollingBack(id, { ...SuggestionLife.byRule(rule), reason: "it has relapsed" }), {
      onSuccess: () => Effect.as(SafeLog.info(`The suggestion ${id} was taken back, since it has relapsed`), false),
      onFailure: (error) => {
        if (error._tag === "SuggestionDecided") return Effect.succeed(false)
        if (mayPass(error)) return Effect.succeed(true)
        left.add(id)
        return Effect.as(
          SafeLog.warn(`The suggestion ${id} has relapsed, and is left to a person. ${error.message}`),
          false
        )
      }
    }).pipe(
      Effect.catchAllDefect(() =>
        Effect.as(SafeLog.warn(`The suggestion ${id} could not be taken back: its supervisor has a bug`), true)
      )
    )

  /** What cannot be read is in nobody's way. */
  const look = (lock: AutomaticChange) =>
    Effect.gen(function* () {
      const found = Option.getOrUndefined(yield* store.find(lock))
      if (found?.state !== "relapsed" || left.has(found.id)) return false
      return killSwitch.stops().length > 0 || (yield* takeBack(lock.rule, found.id))
    }).pipe(Effect.orElseSucceed(() => false))

  return Effect.gen(function* () {
    const locks = yield* store.locks(undefined, MAX_LOCKS)
    const ids = locks.map((lock) => suggestionId(lock.job, lock))
    for (const id of left) if (!ids.includes(id)) left.delete(id)
    const waits = yield* Effect.forEach(locks, look)
    return waits.includes(true)
  })
}

/** A supervisor may answer later, and a disk may have room again. */
const mayPass = (error: RollbackProblem): boolean =>
  error._tag === "SuggestionsStopped" ||
  error._tag === "HealingStoreError" ||
  error._tag === "SuggestionNotWritten" ||
  (error._tag === "SuggestionRefused" && isUnnamed(error.checks))
