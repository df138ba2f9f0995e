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
import { application as applicationChange } from "../store/Change.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import { hashOf } from "../text/Excerpt.js"
import { changesFile, MAX_FILE } from "./Examining.js"
import { openFile, openFolder } from "./OpenFolder.js"
import type { Step, Steps } from "./Steps.js"
import * as Writing from "./Writing.js"

/** How many are looked at at a time. */
const PAGE = 100

/** What it needs to know. */
interface Needs {
  readonly steps: Pick<Steps, "giveBack" | "record" | "together">
  readonly store: SuggestionJournal
  readonly wall: () => number
  readonly watchTerm: number
}

/**
 * - `wall`: now, in milliseconds since 1970.
 * - `watchTerm`: for how many milliseconds a change is watched.
 *
 * @internal
 */
export const recover = (needs: Needs): Effect.Effect<void, HealingStoreError> =>
  Effect.gen(function* () {
    const { steps, store, wall, watchTerm } = needs
    for (const application of yield* store.unfinished) {
      // One that cannot be read is in nobody's way.
      const found = Option.flatten(yield* Effect.option(store.find(application))).pipe(Option.getOrUndefined)
      const after = found && (yield* judgeFile(found, application, wall(), watchTerm, KILLED))
      const ended = { ...application, intent: null, temporary: null }
      yield* steps.record(found === undefined || after === undefined ? [] : [[found, after]], [
        applicationChange(ended)
      ])
    }
    yield* settleAll(needs, yield* applying(store))
  })

/** Those of which nothing was begun, or that change no file. */
const settleAll = (needs: Needs, left: ReadonlyArray<HealingSuggestion>): Effect.Effect<void, HealingStoreError> =>
  left.length === 0
    ? Effect.void
    : Effect.forEach(left, (one) => Effect.map(afterCrash(needs, one), (after): Step => [one, after])).pipe(
        Effect.flatMap((all) => needs.steps.record(all)),
        Effect.zipRight(Effect.suspend(() => applying(needs.store, left.at(-1)))),
        Effect.flatMap((others) => settleAll(needs, others))
      )

const afterCrash = ({ steps, store, wall, watchTerm }: Needs, one: HealingSuggestion) =>
  Effect.gen(function* () {
    const taken = (reason: string) => ({ at: wall(), by: SuggestionLife.BY_RECOVERY, reason })
    // Its row can be there, and not be readable: then it is not known what stands in its file.
    const application = yield* Effect.either(store.application(one))
    if (application._tag === "Left") {
      return SuggestionLife.fail(
        one,
        taken("the process has ended, and the row of its file cannot be read: look at the file")
      )
    }
    if (!changesFile(one) && (yield* isSetApplied(steps, one))) {
      return SuggestionLife.apply(one, taken(written(KILLED)), watchTerm)
    }
    return yield* steps.giveBack(one, taken(notBegun(KILLED)))
  })

/** Advice goes with the files of its set. */
const isSetApplied = (steps: Needs["steps"], { id }: HealingSuggestion): Effect.Effect<boolean> =>
  steps.together(id).pipe(
    Effect.map((members) => {
      const files = members.filter(changesFile)
      return files.length > 0 && files.every(({ state }) => state === "applied")
    }),
    Effect.orElseSucceed(() => false)
  )

/**
 * What a suggestion is whose file was being written, by what stands in that now; `undefined` if it is what it was. What was written beside the
 * file goes.
 *
 * - `cause`: why it was not finished, in words.
 *
 * @internal
 */
export const judgeFile = (
  suggestion: HealingSuggestion,
  application: Application,
  at: number,
  watchTerm: number,
  cause: string
): Effect.Effect<HealingSuggestion | undefined> =>
  Effect.map(lookAt(application), (file) => outcomeOf(suggestion, application, file, { at, watchTerm, cause }))

const applying = (store: SuggestionJournal, after?: SuggestionKey) =>
  store.list({ states: ["applying"], limit: PAGE, after })

const KILLED = "the process has ended"

const notBegun = (cause: string): string => `${cause} before its file was written`

const written = (cause: string): string => `${cause} when its file was written`

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
  { at, cause, watchTerm }: { readonly at: number; readonly watchTerm: number; readonly cause: string }
): HealingSuggestion | undefined => {
  const taken = (reason: string): SuggestionLife.Taken => ({ at, by: SuggestionLife.BY_RECOVERY, reason })
  const before = original === null ? null : hashOf(original)
  const after = hashOf(suggestion.suggestion.proposedContent ?? "")
  const is = (hash: string | null): boolean => "hash" in file && file.hash === hash
  if (intent === "rollback") {
    const isBack = SuggestionLife.IN_FORCE.includes(suggestion.state) && is(before)
    return isBack ? SuggestionLife.rollBack(suggestion, taken(written(cause))) : undefined
  }
  if (suggestion.state !== "applying") return undefined
  if (is(after)) {
    const restart = suggestion.approval?.restart === true ? ", and before its job was restarted" : ""
    return SuggestionLife.apply(suggestion, taken(`${written(cause)}${restart}`), watchTerm)
  }
  if (is(before)) return SuggestionLife.giveBack(suggestion, taken(notBegun(cause)))
  const what = "problem" in file ? `cannot be read: ${file.problem}` : "is neither as it was nor as it was to be"
  return SuggestionLife.fail(suggestion, taken(`${cause}, and ${path} ${what}`))
}
