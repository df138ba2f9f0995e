/**
 * What has become of a request, and waiting for its end.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Restore } from "../gate/Turn.js"
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
    return Effect.map(
      store.find(number),
      Option.filter((request) => request.id === id)
    )
  }

  /** The live request is looked at and watched in one step, since it may end between any two ops. */
  const watch = (live: LiveRequest, restore: Restore): Effect.Effect<Review, AwaitError> => {
    const watcher = Caller.make(live.job, gate.now(), Number.POSITIVE_INFINITY, false)
    requests.watch(live, watcher)
    return Effect.onInterrupt(restore(Caller.awaitAnswer(watcher)), () =>
      Effect.sync(() => requests.unwatch(watcher))
    ).pipe(
      // Those are told to callers of `heal` alone: nobody who only watches has a max wait, or adds to the queue.
      Effect.catchTag("HealingTimeout", "HealingQueueFull", (error) => Effect.die(error))
    )
  }

  const ended = (id: string, request: HealingRequest): Effect.Effect<Review, AwaitError> =>
    Effect.suspend(() => {
      const outcome = outcomeOf(request)
      if (outcome !== undefined) return outcome
      if (request.coalescedInto !== null) return awaitEnd(request.coalescedInto)
      return Effect.fail(unexpectedState(id, "at its end", request.state))
    })

  const awaitStored = (id: string): Effect.Effect<Review, AwaitError> =>
    Effect.flatMap(
      stored(id),
      (request): Effect.Effect<Review, AwaitError> =>
        Option.isNone(request) ? Effect.fail(new HealingNotFound({ id })) : ended(id, request.value)
    )

  const awaitEnd = (id: string): Effect.Effect<Review, AwaitError> =>
    Effect.flatMap(gate.deadlock(jobOf(id)), (deadlock) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend((): Effect.Effect<Review, AwaitError> => {
          if (isClosed()) return Effect.fail(new HealingClosed({ job: jobOf(id) }))
          const live = requests.withId(id)
          if (live === undefined) return restore(awaitStored(id))
          if (live.lost !== undefined) return Effect.fail(live.lost)
          if (live.request.coalescedInto !== null) return restore(awaitEnd(live.request.coalescedInto))
          if (live.request.endedAt === null) {
            if (deadlock !== undefined) return Effect.fail(deadlock)
            if (gate.isClosed()) return Effect.fail(new HealingClosed({ job: live.job }))
          }
          return watch(live, restore)
        })
      )
    )

  return {
    get: (input) =>
      Effect.flatMap(decodeId({ id: input }), ({ id }) =>
        Effect.suspend(() => {
          const live = requests.withId(id)
          // One that is still being inserted is not there yet.
          const isThere = live !== undefined && (live.stage !== "out" || !requests.isPending(live))
          if (isThere && live.lost === undefined) return Effect.succeedSome(live.request)
          return stored(id)
        })
      ),
    await: (input) => Effect.flatMap(decodeId({ id: input }), ({ id }) => awaitEnd(id))
  }
}
