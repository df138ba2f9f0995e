/**
 * The one timer of the gate (R12).
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Clocks from "../internal/Clocks.js"

/**
 * Rings at the monotonic instant that was set last, or before it: who hears it looks again and sets it anew. `Infinity`
 * turns it off, so that nothing sleeps in vain.
 *
 * - `set`: is set from the call on; the effect, which one fiber at a time may run, starts and stops what sleeps.
 * - `isSetFor`: whether it will ring in time for the instant, and not in vain.
 *
 * @internal
 */
export interface Alarm {
  readonly set: (at: number) => Effect.Effect<void>
  readonly isSetFor: (at: number) => boolean
}

interface Setting {
  readonly at: number
  /** How long the machine had been suspended by then: what sleeps does not hear of more. */
  readonly suspended: number
  fiber: Fiber.RuntimeFiber<void> | undefined
}

/** @internal */
export const make = (clock: Clock.Clock, ring: () => void): Alarm => {
  let current: Setting | undefined

  const sleepUntil = (at: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const delay = Math.ceil(at - Clocks.millis(clock))
      return clock.sleep(Duration.millis(Math.min(delay, Clocks.MAX_SLEEP)))
    })

  const start = (setting: Setting): Effect.Effect<void> =>
    sleepUntil(setting.at).pipe(
      Effect.zipRight(
        Effect.sync(() => {
          if (current === setting) current = undefined
          ring()
        })
      ),
      Effect.interruptible,
      Effect.fork,
      Effect.map((fiber) => {
        setting.fiber = fiber
      })
    )

  const stop = (setting: Setting | undefined): Effect.Effect<void> =>
    setting?.fiber === undefined ? Effect.void : Fiber.interruptFork(setting.fiber)

  // One that rings early costs a look; to move it at each change would cost more.
  const isSetFor = (at: number): boolean => {
    if (current === undefined) return at === Number.POSITIVE_INFINITY
    return at < Number.POSITIVE_INFINITY && current.at + Clocks.suspendedBy(clock) - current.suspended <= at
  }

  return {
    isSetFor,
    set: (at) => {
      if (isSetFor(at)) return Effect.void
      const previous = current
      current =
        at === Number.POSITIVE_INFINITY ? undefined : { at, suspended: Clocks.suspendedBy(clock), fiber: undefined }
      return Effect.zipRight(stop(previous), current === undefined ? Effect.void : start(current))
    }
  }
}
