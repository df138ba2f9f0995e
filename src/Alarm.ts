/**
 * The one timer of the gate (R12).
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Monotonic from "./Monotonic.js"

/**
 * Rings at the monotonic instant that was set last, or before it: who hears it looks again and sets it anew. `Infinity`
 * turns it off, so that nothing sleeps in vain.
 *
 * @internal
 */
export const make = (clock: Clock.Clock, ring: () => void): ((at: number) => Effect.Effect<void>) => {
  let set: { readonly at: number; fiber: Fiber.RuntimeFiber<void> | undefined } | undefined

  const sleepUntil = (at: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const delay = Math.ceil(at - Monotonic.millis(clock))
      return clock.sleep(Duration.millis(Math.min(delay, Monotonic.MAX_SLEEP)))
    })

  const off: Effect.Effect<void> = Effect.suspend(() => {
    const fiber = set?.fiber
    set = undefined
    return fiber === undefined ? Effect.void : Fiber.interruptFork(fiber)
  })

  const on = (at: number): Effect.Effect<void> =>
    Effect.gen(function* () {
      yield* off
      const own: typeof set = { at, fiber: undefined }
      set = own
      own.fiber = yield* sleepUntil(at).pipe(
        Effect.zipRight(
          Effect.sync(() => {
            if (set === own) set = undefined
            ring()
          })
        ),
        Effect.interruptible,
        Effect.fork
      )
    })

  // Timers are slow: whoever was granted a turn goes first.
  const afterReviews = (change: Effect.Effect<void>) => Effect.zipRight(Effect.yieldNow(), change)

  return (at) => {
    if (at === Number.POSITIVE_INFINITY) return set === undefined ? Effect.void : afterReviews(off)
    // One that rings early costs a look; to move it at each change would cost more.
    return set !== undefined && set.at <= at ? Effect.void : afterReviews(on(at))
  }
}
