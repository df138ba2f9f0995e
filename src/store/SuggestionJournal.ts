/**
 * What a store does for suggestions.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { HealingStoreError } from "../HealingError.js"
import {
  type Application,
  type AutomaticChange,
  type HealingSuggestion,
  type SuggestionKey,
  SuggestionState,
  type SuggestionStep,
  type SuggestionStop
} from "../request/HealingSuggestion.js"
import { MAX_SUGGESTIONS } from "../request/Report.js"

/**
 * - `job`: of this job only.
 * - `targetFile`: for this file only.
 * - `supersededBy`: those whose place these have taken, by their ids.
 * - `states`: which of the states.
 * - `limit`: how many at most.
 * - `after`: those that stand behind this one in the list; give the last one of a page for the next page.
 *
 * @internal
 */
export interface SuggestionQuery {
  readonly job?: string | undefined
  readonly targetFile?: string | undefined
  readonly supersededBy?: ReadonlyArray<string> | undefined
  readonly states: ReadonlyArray<SuggestionState>
  readonly limit: number
  readonly after?: SuggestionKey | undefined
}

/**
 * For how long what a rule has applied counts for its limits, in milliseconds.
 *
 * @internal
 */
export const DAY = 86_400_000

/**
 * What rules have applied.
 *
 * - `automatic`: whether and how a rule has approved the suggestion with this key, at any time.
 * - `automaticSince`: how many applications by rules there were after then, by their jobs; one of a set counts as one.
 * - `lockedJobs`: the names of the jobs that are locked.
 * - `locks`: those for which their jobs are locked, or this job is, the newest first, so many at most. One whose row cannot be read
 *   is left out, with a warning.
 *
 * Times are milliseconds since 1970.
 *
 * @internal
 */
export interface AutomaticJournal {
  readonly automatic: (key: SuggestionKey) => Effect.Effect<Option.Option<AutomaticChange>, HealingStoreError>
  readonly automaticSince: (since: number) => Effect.Effect<ReadonlyMap<string, number>, HealingStoreError>
  readonly lockedJobs: Effect.Effect<ReadonlyArray<string>, HealingStoreError>
  readonly locks: (
    job: string | undefined,
    limit: number
  ) => Effect.Effect<ReadonlyArray<AutomaticChange>, HealingStoreError>
}

/**
 * Suggestions are written by `Journal.commit`, each with its step.
 *
 * - `find`: the one with this key, if there is one. It fails if its row cannot be read.
 * - `list`: those of the newest review first, and those of one review in their order.
 * - `steps`: those of one suggestion or of all, in the order in which they were written, after the one with this number, so many at most.
 *   `next` is what to ask for the next page with; `undefined` at the end.
 * - `due`: those that are to be warned of, or have come to their end, by then; the first first, so many at most.
 * - `nextDue`: when the next one is.
 * - `prune`: removes those that had come to a final state before then, with their steps and originals, but for the one of the last step; so
 *   many at most. Returns how many it has removed.
 * - `application`: what is known of the file of the one with this key, if it was ever about to be applied.
 * - `unfinished`: those with whose file something was being done; one whose row cannot be read is left out, with a warning.
 * - `unreadable`: how many of the suggestions of a request are set aside, since they could not be read.
 * - `stopped`: who has stopped all applications, if somebody has.
 *
 * Times are milliseconds since 1970.
 *
 * @internal
 */
export interface SuggestionJournal extends AutomaticJournal {
  readonly find: (key: SuggestionKey) => Effect.Effect<Option.Option<HealingSuggestion>, HealingStoreError>
  readonly list: (query: SuggestionQuery) => Effect.Effect<ReadonlyArray<HealingSuggestion>, HealingStoreError>
  readonly steps: (
    id: string | undefined,
    after: number,
    limit: number
  ) => Effect.Effect<
    { readonly steps: ReadonlyArray<SuggestionStep>; readonly next: number | undefined },
    HealingStoreError
  >
  readonly due: (now: number, limit: number) => Effect.Effect<ReadonlyArray<HealingSuggestion>, HealingStoreError>
  readonly nextDue: Effect.Effect<Option.Option<number>, HealingStoreError>
  readonly prune: (endedBefore: number, limit: number) => Effect.Effect<number, HealingStoreError>
  readonly application: (key: SuggestionKey) => Effect.Effect<Option.Option<Application>, HealingStoreError>
  readonly unreadable: (request: number) => Effect.Effect<number, HealingStoreError>
  readonly unfinished: Effect.Effect<ReadonlyArray<Application>, HealingStoreError>
  readonly stopped: Effect.Effect<Option.Option<SuggestionStop>, HealingStoreError>
}

/**
 * The suggestions of one request that can be read, in their order.
 *
 * @internal
 */
export const ofRequest = (
  { list }: Pick<SuggestionJournal, "list">,
  request: number
): Effect.Effect<ReadonlyArray<HealingSuggestion>, HealingStoreError> =>
  Effect.map(
    list({ states: SuggestionState.literals, limit: MAX_SUGGESTIONS, after: { request, position: 0 } }),
    (all) => all.filter((one) => one.request === request)
  )
