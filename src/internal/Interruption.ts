/**
 * Interruptions of what others have made: it may ignore them.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as SafeLog from "./SafeLog.js"

/**
 * Waits for the end of something that has been interrupted, for so long at most. Returns whether it has ended.
 *
 * @internal
 */
export const endsWithin = (end: Effect.Effect<unknown>, within: Duration.Duration): Effect.Effect<boolean> =>
  // What ignores an interruption ignores that of whoever waits for it, too, unless it runs in a fiber of its own.
  Effect.flatMap(Effect.forkDaemon(end), (fiber) =>
    Effect.map(Effect.interruptible(Effect.timeoutOption(Fiber.await(fiber), within)), Option.isSome)
  )

/**
 * Interrupts a fiber and waits for its end. If it has not ended within so long, this is said by name, and nobody waits for it any more.
 *
 * @internal
 */
export const endOf =
  (what: string, within: Duration.Duration) =>
  (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> =>
    Effect.flatMap(endsWithin(Fiber.interrupt(fiber), within), (hasEnded) => {
      if (hasEnded) return Effect.void
      return SafeLog.warn(
        `${what}: the interruption is ignored, for ${Duration.format(within)} by now (shutdown_timeout), and nobody waits any longer`
      )
    })

/**
 * Runs something of others for as long as the scope is open, and ends it then by `endOf`.
 *
 * @internal
 */
export const forkBounded =
  (what: string, within: Duration.Duration) =>
  <R>(effect: Effect.Effect<void, never, R>): Effect.Effect<unknown, never, R | Scope.Scope> =>
    Effect.acquireRelease(Effect.forkDaemon(Effect.interruptible(effect)), endOf(what, within))
