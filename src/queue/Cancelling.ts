/**
 * What people do to requests and to the queue: cancel, pause, resume.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type HealingInvalid, HealingStoreError } from "../HealingError.js"
import { type HealingRequest, jobOf } from "../request/HealingRequest.js"
import { type QueueState, queueState } from "../store/Change.js"
import type { BatchWriter } from "./BatchWriter.js"
import * as Caller from "./Caller.js"
import { CANCELLED, type Endings } from "./Endings.js"
import { HealingEvent } from "./HealingEvent.js"
import { type CancelTarget, decodeTarget } from "./HealingWish.js"
import type { LiveRequest } from "./LiveRequests.js"
import { type QueueParts, whyClosed } from "./QueueParts.js"
import type { Reviewing } from "./Reviewing.js"

/** @internal */
export interface Cancelling {
  readonly cancel: (
    target: CancelTarget
  ) => Effect.Effect<ReadonlyArray<HealingRequest>, HealingInvalid | HealingStoreError>
  readonly pause: Effect.Effect<void, HealingStoreError>
  readonly resume: Effect.Effect<void, HealingStoreError>
}

/** @internal */
export const make = (
  parts: QueueParts,
  writer: BatchWriter,
  { endUnreviewed }: Pick<Endings, "endUnreviewed">,
  { stop }: Pick<Reviewing, "stop">
): Cancelling => {
  const { gate, holds, isClosed, live: requests, publish, wall } = parts

  /** Cancels it at once; the effect waits for the end of that. */
  const cancelOne = (live: LiveRequest): Effect.Effect<Option.Option<HealingRequest>, HealingStoreError> => {
    const caller = Caller.make(live.job, gate.now(), Number.POSITIVE_INFINITY, true)
    requests.attach(live, caller)
    const stopped = requests.isRunning(live) ? stop(live, "cancelled") : Effect.void
    if (requests.isPending(live)) endUnreviewed(live, "cancelled", CANCELLED)
    return Effect.matchEffect(Effect.zipRight(stopped, Caller.awaitAnswer(caller)), {
      onSuccess: () => Effect.succeedNone,
      onFailure: (error) => {
        if (error instanceof HealingStoreError) return Effect.fail(error)
        return Effect.succeed(live.request.state === "cancelled" ? Option.some(live.request) : Option.none())
      }
    })
  }

  const setQueueState = (
    change: (state: QueueState) => QueueState,
    event: () => HealingEvent
  ): Effect.Effect<void, HealingStoreError> =>
    Effect.suspend(() => {
      if (isClosed()) return Effect.fail(whyClosed(parts))
      const before = holds.state()
      const state = holds.remember(change(before))
      return writer.write(
        () => [queueState(state)],
        (error) => {
          if (error === undefined) publish(event())
          else holds.remember(holds.state() === state ? before : { ...holds.state(), paused: before.paused })
        }
      )
    }).pipe(Effect.uninterruptible)

  return {
    cancel: (input) =>
      Effect.flatMap(decodeTarget(input), (target) =>
        Effect.suspend(() => {
          if (isClosed()) return Effect.fail(whyClosed(parts))
          const job = "job" in target ? target.job : jobOf(target.id)
          const targets = [requests.pendingOf(job), requests.runningOf(job)]
            .filter((live) => live !== undefined)
            .filter(({ request }) => "job" in target || request.id === target.id)
          // All are cancelled by now; what comes one after the other is the waiting.
          return Effect.map(Effect.all(targets.map(cancelOne)), Arr.getSomes)
        })
      ),
    pause: setQueueState(
      (state) => ({ ...state, paused: true }),
      () => HealingEvent.Paused({ at: wall() })
    ),
    resume: setQueueState(
      () => ({ paused: false, rateLimitedUntil: null, rateLimits: 0 }),
      () => HealingEvent.Resumed({ at: wall() })
    )
  }
}
