/**
 * Assembles the service: what is asked, who decides, what is told.
 *
 * @internal
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { SuggestionDecided, SuggestionNotFound } from "../HealingError.js"
import * as Broadcast from "../internal/Broadcast.js"
import { forSuggestions } from "../queue/ForSuggestions.js"
import { HealingQueue } from "../queue/HealingQueue.js"
import { type HealingSuggestion, SuggestionStep, suggestionKey } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import { suggestion as change } from "../store/Change.js"
import { HealingStore } from "../store/HealingStore.js"
import {
  type Decision,
  decodeDecision,
  decodeSuggestionFilter,
  decodeSuggestionId,
  type SuggestionFilter
} from "./Decision.js"
import * as Proposals from "./Proposals.js"
import { SuggestionEvent } from "./SuggestionEvent.js"
import * as Terms from "./Terms.js"

const MAX_EVENTS = 1024

/** How many steps are read at a time. */
const PAGE = 200

const lineOf = Schema.encodeSync(Schema.parseJson(SuggestionStep))

/** @internal */
export const make = Effect.gen(function* () {
  const queue = yield* HealingQueue
  const ofQueue = queue[forSuggestions]
  const { wall, write } = ofQueue
  const { suggestions: store } = yield* HealingStore
  const events = Broadcast.make<SuggestionEvent>(MAX_EVENTS)
  yield* Effect.addFinalizer(() => events.end)
  const terms = yield* Terms.make({ ...ofQueue, store, tell: events.tell })
  yield* Proposals.listen({ store, requests: queue.events, tell: events.tell, changed: terms.changed })

  const find = (id: string) =>
    Effect.flatMap(decodeSuggestionId({ id }), (decoded) =>
      // What was decoded has a key.
      Effect.transposeMapOption(Option.fromNullable(suggestionKey(decoded.id)), store.find)
    ).pipe(Effect.map(Option.flatten), Effect.map(Option.filter((found) => found.id === id)))

  const mustFind = (id: string) =>
    Effect.flatMap(find(id), Option.match({ onNone: () => new SuggestionNotFound({ id }), onSome: Effect.succeed }))

  const decided = ({ by, changedAt, id, state }: HealingSuggestion) =>
    new SuggestionDecided({ id, state, at: changedAt, ...by })

  /** Each guarded by the state that was read: who comes second hears who was first. */
  const decide = (id: string, to: (pending: HealingSuggestion, at: number) => HealingSuggestion) =>
    Effect.gen(function* () {
      const found = yield* Effect.flatMap(mustFind(id), terms.settled)
      if (found.state !== "pending") return yield* decided(found)
      const after = to(found, wall())
      yield* Effect.catchIf(
        write(() => [change("pending", after)]),
        ({ reason }) => reason === "UnexpectedState",
        () => Effect.flatMap(mustFind(id), decided)
      )
      return after
    }).pipe(Effect.uninterruptible)

  const stepsOf = (id: string | undefined) =>
    Stream.paginateChunkEffect(0, (after) =>
      Effect.map(
        store.steps(id, after, PAGE),
        ({ next, steps }) => [Chunk.fromIterable(steps), Option.fromNullable(next)] as const
      )
    )

  return {
    list: (filter: SuggestionFilter = {}) => {
      const { after } = filter
      const key = after && { request: after.request, position: after.position }
      return Effect.flatMap(decodeSuggestionFilter({ ...filter, after: key }), store.list)
    },
    get: find,
    steps: (id: string) =>
      Effect.flatMap(decodeSuggestionId({ id }), () =>
        Effect.map(Stream.runCollect(stepsOf(id)), Chunk.toReadonlyArray)
      ),
    reject: (id: string, decision: Decision) =>
      Effect.flatMap(decodeDecision({ ...decision }), ({ door, reason, who }) =>
        decide(id, (pending, at) => SuggestionLife.reject(pending, at, { who, door }, reason))
      ).pipe(
        Effect.tap((rejected) =>
          Effect.sync(() => events.tell(SuggestionEvent.Rejected({ at: rejected.changedAt, suggestion: rejected })))
        )
      ),
    audit: Stream.map(stepsOf(undefined), (step) => `${lineOf(step)}\n`),
    events: events.listen
  }
})
