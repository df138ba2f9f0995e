/**
 * What reviews propose, and what becomes of it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { HealingInvalid, HealingStoreError, SuggestionDecided, SuggestionNotFound } from "../HealingError.js"
import type { HealingQueue } from "../queue/HealingQueue.js"
import type { HealingSuggestion, SuggestionStep } from "../request/HealingSuggestion.js"
import type { HealingStore } from "../store/HealingStore.js"
import * as Deciding from "./Deciding.js"
import type { Decision, SuggestionFilter } from "./Decision.js"
import type { SuggestionEvent } from "./SuggestionEvent.js"

/**
 * The suggestions of completed reviews. Each is written with the end of its review, and waits for a person for 14 days.
 *
 * Nothing that a review outputs or a job prints decides on one (R18).
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Suggestions } from "effect-healing"
 *
 * const rejectAll = Effect.gen(function* () {
 *   const suggestions = yield* Suggestions
 *   for (const { id } of yield* suggestions.list({ job: "nightly-digest", states: ["pending"] })) {
 *     yield* suggestions.reject(id, { who: "anna", reason: "the job is about to go" })
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Suggestions extends Context.Tag("effect-healing/Suggestions")<
  Suggestions,
  {
    /** Those of the newest review first, and those of one review in their order: 50 unless `limit` says otherwise. */
    readonly list: (
      filter?: SuggestionFilter
    ) => Effect.Effect<ReadonlyArray<HealingSuggestion>, HealingInvalid | HealingStoreError>
    /**
     * The suggestion with this id. The answer is none if it was never made, or was removed after `retention`. It fails with
     * `HealingInvalid` if the id is no id.
     */
    readonly get: (id: string) => Effect.Effect<Option.Option<HealingSuggestion>, HealingInvalid | HealingStoreError>
    /** What has happened to a suggestion, the oldest first. */
    readonly steps: (id: string) => Effect.Effect<ReadonlyArray<SuggestionStep>, HealingInvalid | HealingStoreError>
    /**
     * Somebody does not want it. It is on disk when it returns. Of two who decide at once one wins; the other fails with
     * `SuggestionDecided`, which names the winner, as one does who comes later.
     */
    readonly reject: (
      id: string,
      decision: Decision
    ) => Effect.Effect<HealingSuggestion, HealingInvalid | SuggestionNotFound | SuggestionDecided | HealingStoreError>
    /** What has happened to all of them, the oldest first: a `SuggestionStep` as JSON on each line, each with its line feed. */
    readonly audit: Stream.Stream<string, HealingStoreError>
    /**
     * What happens from now on. A reader who is more than 1,024 events late misses the oldest, and slows nobody down.
     */
    readonly events: Stream.Stream<SuggestionEvent>
  }
>() {
  /**
   * Those whose time has come expire, a day after they were warned of. One timer sleeps until the next of them is due, or for six hours.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<Suggestions, HealingStoreError, HealingQueue | HealingStore> = Layer.scoped(
    this,
    Deciding.make
  )
}
