/**
 * What has to be written is tried until it can be.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { type HealingStoreError, isForGood } from "../HealingError.js"

/**
 * Until a store that fails is asked again.
 *
 * @internal
 */
export const PAUSE = Duration.seconds(10)

/**
 * The queue says in the log that its store fails. Once the queue has ended, nothing is written any more.
 *
 * @internal
 */
export const persistently = <A, R>(doing: Effect.Effect<A, HealingStoreError, R>): Effect.Effect<void, never, R> =>
  doing.pipe(
    Effect.retry({
      schedule: Schedule.spaced(PAUSE),
      while: (error) => !isForGood(error) && error.reason !== "Closed"
    }),
    Effect.ignore
  )
