/**
 * Jobs to which rules apply nothing any more, since what one has applied there has relapsed, until somebody unlocks them.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { HealingInvalid, type HealingStoreError } from "../HealingError.js"
import type { ForSuggestions } from "../queue/ForSuggestions.js"
import { type HealingSuggestion, suggestionId } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import { type Change, lock, unlock } from "../store/Change.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import type { AutomaticLock } from "./AutomaticLock.js"
import type { Decided } from "./Decision.js"

/** Of locks that are read. */
const MAX_LOCKS = 1000

/** Of jobs that an error names. */
const MAX_NAMED = 20

/**
 * - `whyLocked`: why rules apply nothing to a job, if that is so. It is synchronous, so that nothing comes between the look and what it is for.
 * - `lock`: from now on that of this suggestion is locked. What it returns is to be written.
 *
 * @internal
 */
export interface JobLocks {
  readonly whyLocked: (job: string) => string | undefined
  readonly lock: (relapsed: HealingSuggestion, at: number) => Change
  readonly locks: Effect.Effect<ReadonlyArray<AutomaticLock>, HealingStoreError>
  readonly unlock: (job: string, decision: Decided) => Effect.Effect<void, HealingInvalid | HealingStoreError>
}

/** @internal */
export const make = ({
  store,
  wall,
  write
}: Pick<ForSuggestions, "wall" | "write"> & {
  readonly store: SuggestionJournal
}): Effect.Effect<JobLocks, HealingStoreError> =>
  Effect.map(store.lockedJobs, (found): JobLocks => {
    const locked = new Set(found)
    return {
      whyLocked: (job) =>
        locked.has(job) ? "its job is locked, since what a rule has applied has relapsed" : undefined,
      lock: (relapsed, at) => {
        locked.add(relapsed.job)
        return lock(relapsed, at)
      },
      locks: Effect.map(store.locks(undefined, MAX_LOCKS), (all) =>
        all.map(({ at, job, lockedAt, rule, ...key }) => ({
          job,
          suggestion: suggestionId(job, key),
          rule,
          at: lockedAt ?? at
        }))
      ),
      unlock: (job, { door, reason, who }) =>
        Effect.gen(function* () {
          if (!locked.has(job)) return yield* notLocked(locked)
          const ofJob = yield* store.locks(job, MAX_LOCKS)
          // Those that are kept, and can be read.
          const found = yield* Effect.forEach(ofJob, (one) => Effect.option(store.find(one)))
          const at = wall()
          const steps = found.flatMap((one) =>
            Option.toArray(Option.flatten(one)).map((suggestion) => ({
              ...SuggestionLife.stepOf(suggestion.state, suggestion),
              at,
              by: { who, door },
              reason: reason ?? "rules may be applied to its job again"
            }))
          )
          yield* write(() => [unlock(job, steps)])
          locked.delete(job)
        }).pipe(Effect.uninterruptible)
    }
  })

const notLocked = (locked: ReadonlySet<string>): HealingInvalid => {
  const names = Array.from(locked, (job) => JSON.stringify(job)).slice(0, MAX_NAMED)
  const found = names.length === 0 ? "no job is" : `locked are ${names.join(", ")}`
  return new HealingInvalid({
    issues: [{ path: "job", message: `expected the name of a job that is locked: ${found}` }]
  })
}
