/**
 * Finds suggestions, and takes them from one state to the next: each step is written guarded by the state that was read, so who comes second
 * hears who was first.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type HealingInvalid, HealingStoreError, SuggestionDecided, SuggestionNotFound } from "../HealingError.js"
import type { ForSuggestions } from "../queue/ForSuggestions.js"
import { type Actor, type HealingSuggestion, SuggestionState, suggestionKey } from "../request/HealingSuggestion.js"
import type { Taken } from "../request/SuggestionLife.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import { type Change, suggestionStep } from "../store/Change.js"
import { ofRequest, type SuggestionJournal } from "../store/SuggestionJournal.js"
import { decodeSuggestionId } from "./Decision.js"
import { eventOf, type SuggestionEvent } from "./SuggestionEvent.js"
import type { Terms } from "./Terms.js"

/**
 * One step: the suggestion as it was, and as it is afterwards.
 *
 * @internal
 */
export type Step = readonly [before: HealingSuggestion, after: HealingSuggestion]

/**
 * - `find`, `mustFind`: the suggestion with this id.
 * - `together`: it and the others of its set, in their order, as they are now: one whose time is over has expired.
 * - `take`: all of these steps, and what is to be written with them, or none. `record` is the same for what has happened already.
 * - `giveBack`: what one becomes whose application has come to nothing: it is approved, unless a newer review has superseded it meanwhile.
 * - `taken`: a step that somebody takes now.
 *
 * @internal
 */
export interface Steps {
  readonly find: (id: string) => Effect.Effect<Option.Option<HealingSuggestion>, HealingInvalid | HealingStoreError>
  readonly mustFind: (
    id: string
  ) => Effect.Effect<HealingSuggestion, HealingInvalid | SuggestionNotFound | HealingStoreError>
  readonly together: (
    id: string
  ) => Effect.Effect<ReadonlyArray<HealingSuggestion>, HealingInvalid | SuggestionNotFound | HealingStoreError>
  readonly take: (
    steps: ReadonlyArray<Step>,
    others?: ReadonlyArray<Change>
  ) => Effect.Effect<void, SuggestionDecided | HealingStoreError>
  readonly record: (
    steps: ReadonlyArray<Step>,
    others?: ReadonlyArray<Change>
  ) => Effect.Effect<void, HealingStoreError>
  readonly giveBack: (applying: HealingSuggestion, taken: Taken) => Effect.Effect<HealingSuggestion>
  readonly taken: (by: Actor, reason?: string | undefined) => Taken
}

/**
 * That somebody has decided on it already.
 *
 * @internal
 */
export const decided = ({ by, changedAt, id, state }: HealingSuggestion): SuggestionDecided =>
  new SuggestionDecided({ id, state, at: changedAt, ...by })

/** Those for a file that may be newer than one that is applied. */
const MAX_NEWER = 100

/** @internal */
export const make = ({
  record,
  store,
  tell,
  terms,
  wall,
  write
}: ForSuggestions & {
  readonly store: SuggestionJournal
  readonly tell: (event: SuggestionEvent) => void
  readonly terms: Terms
}): Steps => {
  const find: Steps["find"] = (id) =>
    Effect.flatMap(decodeSuggestionId({ id }), (decoded) =>
      // What was decoded has a key.
      Effect.transposeMapOption(Option.fromNullable(suggestionKey(decoded.id)), store.find)
    ).pipe(Effect.map(Option.flatten), Effect.map(Option.filter((found) => found.id === id)))

  const mustFind: Steps["mustFind"] = (id) =>
    Effect.flatMap(find(id), Option.match({ onNone: () => new SuggestionNotFound({ id }), onSome: Effect.succeed }))

  const membersOf = (found: HealingSuggestion) => {
    const { set } = found.suggestion
    if (set === undefined) return Effect.succeed([found])
    const { request } = found
    return Effect.gen(function* () {
      const all = yield* ofRequest(store, request)
      // It may be of the set, of which nothing is done without all of it.
      if ((yield* store.unreadable(request)) > 0) {
        return yield* new HealingStoreError({
          reason: "Unavailable",
          detail: `A suggestion of the review that has made ${found.id} cannot be read, and may be of its set, of which all or none is decided on`
        })
      }
      return all.filter((one) => one.suggestion.set === set)
    })
  }

  const changesOf = (steps: ReadonlyArray<Step>, others: ReadonlyArray<Change>): ReadonlyArray<Change> => [
    ...steps.map(([before, after]) => suggestionStep(before, after)),
    ...others
  ]

  const tellAll = (steps: ReadonlyArray<Step>) =>
    Effect.zipRight(
      Effect.sync(() => {
        for (const [{ state }, after] of steps) tell(eventOf(state, after))
      }),
      terms.changed
    )

  /** Who was first, if one of them is in another state by now. */
  const whoWasFirst = (steps: ReadonlyArray<Step>, error: HealingStoreError) =>
    Effect.flatMap(
      Effect.forEach(steps, ([before]) =>
        Effect.map(
          store.find(before),
          Option.map((now) => ({ before, now }))
        )
      ),
      (found) => {
        const changed = found
          .flatMap(Option.toArray)
          .find(({ before, now }) => before.state !== now.state || before.changedAt !== now.changedAt)
        return Effect.fail(changed === undefined ? error : decided(changed.now))
      }
    )

  return {
    find,
    mustFind,
    together: (id) => mustFind(id).pipe(Effect.flatMap(membersOf), Effect.flatMap(Effect.forEach(terms.settled))),
    take: (steps, others = []) =>
      write(() => changesOf(steps, others)).pipe(
        Effect.catchIf(
          ({ reason }) => reason === "UnexpectedState",
          (error) => whoWasFirst(steps, error)
        ),
        Effect.zipRight(tellAll(steps)),
        Effect.uninterruptible
      ),
    record: (steps, others = []) =>
      Effect.uninterruptible(Effect.zipRight(record(changesOf(steps, others)), tellAll(steps))),
    giveBack: (applying, taken) => {
      const approved = SuggestionLife.giveBack(applying, taken)
      const { job, suggestion } = applying
      const targetFile = suggestion.targetFile ?? undefined
      if (targetFile === undefined) return Effect.succeed(approved)
      return store.list({ job, targetFile, states: SuggestionState.literals, limit: MAX_NEWER }).pipe(
        Effect.map((all) => {
          const newer = all.findLast((one) => SuggestionLife.supersedes(one, approved))
          return newer === undefined ? approved : SuggestionLife.supersede(approved, newer)
        }),
        Effect.orElseSucceed(() => approved)
      )
    },
    taken: (by, reason) => ({ at: wall(), by, reason })
  }
}
