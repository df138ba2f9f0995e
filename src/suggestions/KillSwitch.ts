/**
 * Stops all applications: a setting, a file, and whoever calls `stop`.
 *
 * @internal
 */
import { lstatSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type HealingStoreError, SuggestionsStopped } from "../HealingError.js"
import { codeOf } from "../internal/ErrorCode.js"
import type { ForSuggestions } from "../queue/ForSuggestions.js"
import type { SuggestionStop } from "../request/HealingSuggestion.js"
import { stop } from "../store/Change.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import { problemOf } from "./OpenFolder.js"

/**
 * - `stops`: everything that stops them now. It is synchronous, so that nothing comes between the look and what it is for.
 * - `check`: fails with the first of them.
 * - `onStop`: ends when a person stops them, if they are not stopped by one already.
 * - `stop`, `resume`: by a person. The first counts from the call on, whether or not it can be written.
 *
 * @internal
 */
export interface KillSwitch {
  readonly stops: () => ReadonlyArray<SuggestionsStopped>
  readonly check: Effect.Effect<void, SuggestionsStopped>
  readonly onStop: Effect.Effect<void>
  readonly stop: (stop: SuggestionStop) => Effect.Effect<void, HealingStoreError>
  readonly resume: Effect.Effect<void, HealingStoreError>
}

/**
 * - `setting`: whether the settings say so.
 * - `file`: the path of the file, if there is one to look for.
 *
 * @internal
 */
export const make = ({
  file,
  setting,
  store,
  write
}: Pick<ForSuggestions, "write"> & {
  readonly setting: boolean
  readonly file: string | undefined
  readonly store: SuggestionJournal
}): Effect.Effect<KillSwitch, HealingStoreError> =>
  Effect.zipWith(store.stopped, Effect.makeLatch(false), (found, latch) => {
    let byPerson = Option.getOrUndefined(found)
    const stops = () => [
      ...(setting
        ? [new SuggestionsStopped({ by: "setting", detail: "the setting suggestions.stopped is true" })]
        : []),
      ...(file === undefined ? [] : byFile(file)),
      ...(byPerson === undefined ? [] : [describe(byPerson)])
    ]
    return {
      stops,
      check: Effect.suspend(() => {
        const [first] = stops()
        return first === undefined ? Effect.void : Effect.fail(first)
      }),
      onStop: latch.await,
      stop: (by) =>
        Effect.suspend(() => {
          byPerson = by
          latch.unsafeOpen()
          return write(() => [stop(by)])
        }).pipe(Effect.uninterruptible),
      resume: Effect.suspend(() => {
        const before = byPerson
        return Effect.map(
          write(() => [stop(null)]),
          () => {
            // Somebody may have stopped them again meanwhile, which is written after this.
            if (byPerson !== before) return
            byPerson = undefined
            latch.unsafeClose()
          }
        )
      }).pipe(Effect.uninterruptible)
    }
  })

/** Whatever cannot be looked at counts as there. */
const byFile = (file: string): ReadonlyArray<SuggestionsStopped> => {
  const there = (detail: string) => [new SuggestionsStopped({ by: "file", detail })]
  try {
    lstatSync(file)
    return there(`the stop file ${file} is there: remove it to go on`)
  } catch (error) {
    if (codeOf(error) === "ENOENT") return []
    return there(`it cannot be told whether the stop file ${file} is there: ${problemOf(error)}`)
  }
}

const describe = ({ at, by, reason }: SuggestionStop): SuggestionsStopped => {
  const why = reason === null ? "" : `, since ${reason}`
  return new SuggestionsStopped({
    by: "person",
    detail: `${by.who} (${by.door}) has stopped applications at ${new Date(at).toISOString()}${why}: resume to go on`
  })
}
