/**
 * After a process that was killed: says what has become of each file that was being written. It never writes one of them (R20).
 *
 * @internal
 */
import { basename, dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { HealingStoreError } from "../HealingError.js"
import type { Application, HealingSuggestion, SuggestionKey } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import { hashOf } from "../text/Excerpt.js"
import { MAX_FILE } from "./Examining.js"
import { openFile, openFolder } from "./OpenFolder.js"
import type { Step, Steps } from "./Steps.js"
import * as Writing from "./Writing.js"

/** How many are looked at at a time. */
const PAGE = 100

/**
 * - `wall`: now, in milliseconds since 1970.
 * - `watchTerm`: for how many milliseconds a change is watched.
 *
 * @internal
 */
export const recover = ({
  steps,
  store,
  wall,
  watchTerm
}: {
  readonly steps: Pick<Steps, "record">
  readonly store: SuggestionJournal
  readonly wall: () => number
  readonly watchTerm: number
}): Effect.Effect<void, HealingStoreError> =>
  Effect.gen(function* () {
    const giveBackAll = (left: ReadonlyArray<HealingSuggestion>): Effect.Effect<void, HealingStoreError> => {
      if (left.length === 0) return Effect.void
      const taken = { at: wall(), by: SuggestionLife.BY_RECOVERY, reason: NOT_BEGUN }
      return steps
        .record(
          left.map((one): Step => [one, SuggestionLife.giveBack(one, taken)]),
          []
        )
        .pipe(Effect.zipRight(Effect.suspend(() => applying(store, left.at(-1)))), Effect.flatMap(giveBackAll))
    }
    for (const application of yield* store.unfinished) {
      const found = Option.getOrUndefined(yield* store.find(application))
      const file = yield* lookAt(application)
      const ended = { ...application, intent: null, temporary: null }
      const after = found && outcomeOf(found, application, file, wall(), watchTerm)
      yield* steps.record(found === undefined || after === undefined ? [] : [[found, after]], [ended])
    }
    // Those that were killed while they waited, with nothing begun.
    yield* giveBackAll(yield* applying(store))
  })

const applying = (store: SuggestionJournal, after?: SuggestionKey) =>
  store.list({ states: ["applying"], limit: PAGE, after })

const NOT_BEGUN = "the process has ended before its file was written"

const WRITTEN = "the process has ended when its file was written"

/** What stands in the file: a hash, `null` if there is no file, or why it cannot be told. Its temporary file goes. */
type Found = { readonly hash: string | null } | { readonly problem: string }

const lookAt = ({ path, temporary }: Application): Effect.Effect<Found> =>
  Effect.gen(function* () {
    const folder = yield* openFolder(dirname(path))
    if (temporary !== null && Writing.isTemporaryName(temporary)) {
      yield* Effect.ignoreLogged(Effect.try(() => Writing.remove(folder, temporary)))
    }
    const file = yield* openFile(folder, basename(path), MAX_FILE)
    return { hash: file === undefined ? null : hashOf(file.bytes) }
  }).pipe(
    Effect.scoped,
    Effect.catchAll((problem) => Effect.succeed({ problem }))
  )

const outcomeOf = (
  suggestion: HealingSuggestion,
  { intent, original, path }: Application,
  file: Found,
  at: number,
  watchTerm: number
): HealingSuggestion | undefined => {
  const taken = (reason: string): SuggestionLife.Taken => ({ at, by: SuggestionLife.BY_RECOVERY, reason })
  const before = original === null ? null : hashOf(original)
  const after = hashOf(suggestion.suggestion.proposedContent ?? "")
  const is = (hash: string | null): boolean => "hash" in file && file.hash === hash
  if (intent === "rollback") {
    const isBack = SuggestionLife.IN_FORCE.includes(suggestion.state) && is(before)
    return isBack ? SuggestionLife.rollBack(suggestion, taken(WRITTEN)) : undefined
  }
  if (suggestion.state !== "applying") return undefined
  if (is(after)) {
    const restart = suggestion.approval?.restart === true ? ", and before its job was restarted" : ""
    return SuggestionLife.apply(suggestion, taken(`${WRITTEN}${restart}`), watchTerm)
  }
  if (is(before)) return SuggestionLife.giveBack(suggestion, taken(NOT_BEGUN))
  const what = "problem" in file ? `cannot be read: ${file.problem}` : "is neither as it was nor as it was to be"
  return SuggestionLife.fail(suggestion, taken(`the process has ended, and ${path} ${what}`))
}
