/**
 * What has become of a request, and waiting for its end.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import {
  HealingClosed,
  type HealingInvalid,
  HealingNotFound,
  type HealingStoreError,
  unexpectedState
} from "../HealingError.js"
import { type HealingRequest, jobOf, numberOf } from "../request/HealingRequest.js"
import * as Caller from "./Caller.js"
import { decodeId } from "./HealingWish.js"
import type { LiveRequest } from "./LiveRequests.js"
import type { QueueParts } from "./QueueParts.js"
import { type AwaitError, outcomeOf, type Review } from "./Review.js"

/** @internal */
export interface Awaiting {
  readonly get: (id: string) => Effect.Effect<Option.Option<HealingRequest>, HealingInvalid | HealingStoreError>
  readonly await: (id: string) => Effect.Effect<Review, AwaitError>
}

/** @internal */
export const make = ({ gate, isClosed, live: requests, store }: QueueParts): Awaiting => {
  /** The row of a request. Its number alone could be that of another job, in an id that somebody has made up. */
  const stored = (id: string): Effect.Effect<Option.Option<HealingRequest>, HealingStoreError> => {
    const number = numberOf(id)
    if (!Number.isSafeInteger(number)) return Effect.succeedNone
    return Effect.map(store.find(number), (request) => Option.fromNullable(request?.id === id ? request : undefined))
  }

  const watch = (live: LiveRequest): Effect.Effect<Review, AwaitError> =>
    Effect.uninterruptibleMask((restore) => {
      const watcher = Caller.make(live.job, gate.now(), Number.POSITIVE_INFINITY, false)
      requests.watch(live, watcher)
      return Effect.onInterrupt(restore(Caller.awaitAnswer(watcher)), () =>
        Effect.sync(() => requests.unwatch(watcher))
      )
    }).pipe(
      // Those are told to callers of `heal` alone: nobody who only watches has a max wait, or adds to the queue.
      Effect.catchTag("HealingTimeout", "HealingQueueFull", (error) => Effect.die(error))
    )

  const ended = (id: string, request: HealingRequest): Effect.Effect<Review, AwaitError> =>
    Effect.suspend(() => {
      const outcome = outcomeOf(request)
      if (outcome !== undefined) return outcome
      if (request.coalescedInto !== null) return awaitEnd(request.coalescedInto)
      return Effect.fail(unexpectedState(id, "at its end", request.state))
    })

  const awaitEnd = (id: string): Effect.Effect<Review, AwaitError> =>
    Effect.gen(function* () {
      const job = jobOf(id)
      if (isClosed()) return yield* new HealingClosed({ job })
      const deadlock = yield* gate.deadlock(job)
      const live = requests.withId(id)
      const into = live?.request.coalescedInto
      if (into != null) return yield* awaitEnd(into)
      if (live !== undefined) return yield* deadlock ?? watch(live)
      const request = yield* stored(id)
      if (Option.isNone(request)) return yield* new HealingNotFound({ id })
      return yield* ended(id, request.value)
    })

  return {
    get: (input) =>
      Effect.flatMap(decodeId({ id: input }), ({ id }) =>
        Effect.suspend(() => {
          const live = requests.withId(id)
          // One that is still being inserted is not there yet.
          const isThere = live !== undefined && (live.stage !== "out" || !requests.isPending(live))
          if (isThere) return Effect.succeedSome(live.request)
          return stored(id)
        })
      ),
    await: (input) => Effect.flatMap(decodeId({ id: input }), ({ id }) => awaitEnd(id))
  }
}
