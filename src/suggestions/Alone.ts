/**
 * One at a time.
 *
 * @internal
 */
import * as Effect from "effect/Effect"

/**
 * Runs an effect alone. Who comes meanwhile waits, and can be interrupted.
 *
 * It is no `Semaphore`: in Effect 3.22, an interruption that is heard between its permit and the next op loses the permit for good, and
 * nothing would ever be applied again.
 *
 * @internal
 */
export type Alone = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** @internal */
export const make: Effect.Effect<Alone> = Effect.map(Effect.makeLatch(true), (free): Alone => {
  let isTaken = false
  return (effect) =>
    Effect.uninterruptibleMask((restore) => {
      const enter: Effect.Effect<void> = Effect.suspend(() => {
        if (isTaken) return Effect.zipRight(restore(free.await), enter)
        isTaken = true
        free.unsafeClose()
        return Effect.void
      })
      const leave = Effect.sync(() => {
        isTaken = false
        free.unsafeOpen()
      })
      return Effect.zipRight(enter, Effect.ensuring(restore(effect), leave))
    })
})
