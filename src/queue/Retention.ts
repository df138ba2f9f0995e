/**
 * Removes what ended too long ago, in steps so small that nobody notices.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import type { Journal } from "../store/Journal.js"

const AT_ONCE = 100

const EVERY = Duration.toMillis("1 hour")

/**
 * Removes at the start, and then whenever 100 more have ended, or one more has and an hour has passed. Returns
 * what is to be told of each end.
 *
 * @internal
 */
export const make = (
  store: Journal,
  retention: Duration.Duration,
  wall: () => number
): Effect.Effect<() => void, never, Scope.Scope> =>
  Effect.gen(function* () {
    if (!Duration.isFinite(retention)) return () => {}
    const due = yield* Effect.makeLatch(true)
    let ended = 0
    let doneAt = wall()

    const step = Effect.suspend(() =>
      Effect.uninterruptible(store.prune(wall() - Duration.toMillis(retention), AT_ONCE))
    )
    const prune: Effect.Effect<void, HealingStoreError> = Effect.flatMap(step, (removed) =>
      removed < AT_ONCE ? Effect.void : Effect.zipRight(Effect.yieldNow(), prune)
    )
    yield* due.await.pipe(
      Effect.zipRight(Effect.sync(() => due.unsafeClose())),
      // What could not be removed is the next time.
      Effect.zipRight(Effect.ignoreLogged(prune)),
      Effect.forever,
      Effect.forkScoped
    )

    return () => {
      if (++ended < AT_ONCE && wall() - doneAt < EVERY) return
      ended = 0
      doneAt = wall()
      due.unsafeOpen()
    }
  })
