/**
 * A limit to how long somebody waits for an answer.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { TooSlow } from "./ApiError.js"

const LIMIT = Duration.seconds(30)

/**
 * What cannot be interrupted goes on behind the answer, which says so. What waits for something has limits of its own: see `Slots.ts`.
 *
 * @internal
 */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | TooSlow, R> =>
  Effect.timeoutFail(Effect.disconnect(effect), {
    duration: LIMIT,
    onTimeout: () =>
      new TooSlow({
        message: `The answer was not there in ${Duration.format(LIMIT)}: look whether it was done, before you ask again`
      })
  })
