/**
 * Removes what ended too long ago, in steps so small that nobody notices.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import { giveWay } from "../internal/Clocks.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import type { Journal } from "../store/Journal.js"

const AT_ONCE = 100

const EVERY = Duration.toMillis("1 hour")

/**
 * - `ended`: one more has ended.
 * - `look`: some time has passed.
 *
 * @internal
 */
export interface Retention {
  readonly ended: () => void
  readonly look: () => void
}

/**
 * Removes at the start, and then whenever 100 more have ended, and once an hour. A clock that is set ahead makes nothing older than it is.
 *
 * - `wall`: now, in milliseconds since 1970.
 * - `now`: the same by the steady clock.
 *
 * @internal
 */
export const make = (
  store: Journal,
  settings: Pick<HealingSettings, "retention" | "suggestions">,
  wall: () => number,
  now: () => number
): Effect.Effect<Retention, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { retention, suggestions } = settings
    const due = yield* Effect.makeLatch(true)
    const started = { wall: wall(), now: now() }
    let ended = 0
    let doneAt = now()

    const step = Effect.suspend(() => {
      const at = Math.min(wall(), started.wall + (now() - started.now))
      const pruned = (kept: Duration.Duration, prune: Journal["prune"]) =>
        Duration.isFinite(kept) ? prune(at - Duration.toMillis(kept), AT_ONCE) : Effect.succeed(0)
      return Effect.uninterruptible(
        Effect.map(
          Effect.all([
            pruned(retention, store.prune),
            pruned(suggestions.retention, store.suggestions.prune),
            pruned(retention, store.notices.prune)
          ]),
          (removed) => Math.max(...removed)
        )
      )
    })
    const prune: Effect.Effect<void, HealingStoreError> = Effect.flatMap(step, (removed) =>
      removed < AT_ONCE ? Effect.void : Effect.zipRight(giveWay, prune)
    )
    yield* due.await.pipe(
      Effect.zipRight(Effect.sync(() => due.unsafeClose())),
      // What could not be removed is the next time.
      Effect.zipRight(Effect.ignoreLogged(prune)),
      Effect.forever,
      Effect.forkScoped
    )

    const look = () => {
      if (ended < AT_ONCE && now() - doneAt < EVERY) return
      ended = 0
      doneAt = now()
      due.unsafeOpen()
    }
    return {
      ended: () => {
        ended++
        look()
      },
      look
    }
  })
