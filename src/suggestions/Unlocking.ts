/**
 * Which jobs are locked for rules, and the end of that.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { HealingInvalid, type HealingStoreError } from "../HealingError.js"
import type { ForSuggestions } from "../queue/ForSuggestions.js"
import { type AutomaticChange, suggestionId } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import { unlock } from "../store/Change.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import type { AutomaticLock } from "./AutomaticLock.js"
import type { Decided } from "./Decision.js"

/** Of locks that are read. */
const MAX_LOCKS = 1000

/** @internal */
export interface Unlocking {
  readonly locks: Effect.Effect<ReadonlyArray<AutomaticLock>, HealingStoreError>
  readonly unlock: (job: string, decision: Decided) => Effect.Effect<void, HealingInvalid | HealingStoreError>
}

/** @internal */
export const make = ({
  store,
  wall,
  write
}: Pick<ForSuggestions, "wall" | "write"> & { readonly store: SuggestionJournal }): Unlocking => ({
  locks: Effect.map(store.locks(undefined, MAX_LOCKS), (locks) =>
    locks.map(({ at, job, lockedAt, rule, ...key }) => ({
      job,
      suggestion: suggestionId(job, key),
      rule,
      at: lockedAt ?? at
    }))
  ),
  unlock: (job, { door, reason, who }) =>
    Effect.gen(function* () {
      const ofJob = yield* store.locks(job, MAX_LOCKS)
      if (ofJob.length === 0) return yield* notLocked(yield* store.locks(undefined, MAX_NAMED))
      // Those that are kept.
      const suggestions = (yield* Effect.forEach(ofJob, store.find)).flatMap(Option.toArray)
      const at = wall()
      const steps = suggestions.map((one) => ({
        ...SuggestionLife.stepOf(one.state, one),
        at,
        by: { who, door },
        reason: reason ?? "rules may be applied to its job again"
      }))
      yield* write(() => [unlock(job, steps)])
    })
})

const notLocked = (locks: ReadonlyArray<AutomaticChange>): HealingInvalid => {
  const names = Array.from(new Set(locks.map(({ job }) => JSON.stringify(job))))
  const found = names.length === 0 ? "no job is" : `locked are ${names.join(", ")}`
  return new HealingInvalid({
    issues: [{ path: "job", message: `expected the name of a job that is locked: ${found}` }]
  })
}

const MAX_NAMED = 20
