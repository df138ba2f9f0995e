/**
 * Takes back what a rule has applied and what has relapsed.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { HealingInvalid, HealingStoreError, SuggestionNotFound, SuggestionsStopped } from "../HealingError.js"
import * as SafeLog from "../internal/SafeLog.js"
import type { AutomaticChange, HealingSuggestion } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import type { KillSwitch } from "./KillSwitch.js"
import type { RollingBack } from "./RollingBack.js"
import type { Steps } from "./Steps.js"

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
  readonly steps: Steps
  readonly store: SuggestionJournal
}

/**
 * One look at all that has locked its job. It says whether something is left to be taken back.
 *
 * @internal
 */
export const make = ({
  killSwitch,
  rollingBack,
  steps,
  store
}: Needs): Effect.Effect<boolean, HealingInvalid | SuggestionNotFound | HealingStoreError> => {
  /** Those that cannot be taken back. */
  const left = new Set<string>()

  const takeBack = ({ rule }: AutomaticChange, { id }: HealingSuggestion) =>
    Effect.matchEffect(rollingBack(id, { ...SuggestionLife.byRule(rule), reason: "it has relapsed" }), {
      onSuccess: () => SafeLog.info(`The suggestion ${id} was taken back, since it has relapsed`),
      onFailure: (error) => {
        if (error._tag === "SuggestionsStopped" || error._tag === "HealingStoreError") return Effect.void
        left.add(id)
        return SafeLog.warn(`The suggestion ${id} has relapsed, and is left to a person. ${error.message}`)
      }
    })

  return Effect.gen(function* () {
    let waits = false
    for (const lock of yield* store.locks(undefined, MAX_LOCKS)) {
      const found = Option.getOrUndefined(yield* store.find(lock))
      if (found?.state !== "relapsed" || !SuggestionLife.isByRule(found) || left.has(found.id)) continue
      if (killSwitch.stops().length === 0) yield* takeBack(lock, found)
      waits = waits || (yield* steps.mustFind(found.id)).state === "relapsed"
    }
    return waits
  })
}
