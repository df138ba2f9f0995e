/**
 * Interruptions of what others have made: it may ignore them.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
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
 * Runs something of a supervisor for as long as the scope is open. When that closes, it is interrupted; if it has not ended for that
 * within so long, this is said by name, and nobody waits for it any more.
 *
 * @internal
 */
export const forkBounded =
  (what: string, within: Duration.Duration) =>
  <R>(effect: Effect.Effect<void, never, R>) =>
    Effect.acquireRelease(Effect.forkDaemon(Effect.interruptible(effect)), (fiber) =>
      Effect.flatMap(endsWithin(Fiber.interrupt(fiber), within), (hasEnded) =>
        hasEnded
          ? Effect.void
          : SafeLog.warn(
              `${what} ignore their interruption, for ${Duration.format(within)} by now: nobody waits for them any more`,
              {}
            )
      )
    )
