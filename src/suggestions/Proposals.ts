/**
 * Tells what reviews have proposed, and what that has superseded: the rows are written with the end of the review.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { HealingStoreError } from "../HealingError.js"
import type { HealingEvent } from "../queue/HealingEvent.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import { SuggestionState } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import type { SuggestionJournal } from "../store/SuggestionJournal.js"
import { SuggestionEvent } from "./SuggestionEvent.js"

/** How many of those that were superseded are told of, of one review. */
const MAX_SUPERSEDED = 1000

/**
 * - `requests`: what happens to requests.
 * - `term`: for how many milliseconds suggestions can be decided on.
 * - `changed`: done after there are new ones.
 *
 * @internal
 */
export const listen = ({
  changed,
  requests,
  store,
  tell,
  term
}: {
  readonly store: SuggestionJournal
  readonly requests: Stream.Stream<HealingEvent>
  readonly tell: (event: SuggestionEvent) => void
  readonly term: number
  readonly changed: Effect.Effect<void>
}): Effect.Effect<void, never, Scope.Scope> => {
  const tellOf = (completed: HealingRequest, at: number): Effect.Effect<void, HealingStoreError> =>
    Effect.gen(function* () {
      const proposed = SuggestionLife.propose(completed, at, term)
      if (proposed.length === 0) return
      for (const suggestion of proposed) tell(SuggestionEvent.Proposed({ at, suggestion }))
      const supersededBy = proposed.map(({ id }) => id)
      const superseded = yield* store.list({ supersededBy, states: SuggestionState.literals, limit: MAX_SUPERSEDED })
      for (const suggestion of superseded) tell(SuggestionEvent.Superseded({ at: suggestion.changedAt, suggestion }))
      yield* changed
    })

  return requests.pipe(
    Stream.runForEach((event) =>
      event._tag === "Ended" && event.request.state === "completed"
        ? // What cannot be read is not told: it is there for those who ask.
          Effect.ignoreLogged(tellOf(event.request, event.request.endedAt ?? event.at))
        : Effect.void
    ),
    Effect.forkScoped,
    // It listens before the layer is ready.
    Effect.zipRight(Effect.yieldNow())
  )
}
