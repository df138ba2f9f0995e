/**
 * Has rules look at suggestions when there is something to look at: to apply what they are for, and to take back what has relapsed of that.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SafeLog from "../internal/SafeLog.js"
import * as ByRules from "./ByRules.js"
import type { SuggestionEvent } from "./SuggestionEvent.js"
import * as TakingBack from "./TakingBack.js"

/** Nobody tells that a stop file is gone, that a limit is over, or that a supervisor answers again. */
const PACE = Duration.minutes(10)

/**
 * - `wake`: something that has held rules up may be gone.
 *
 * @internal
 */
export interface Automatic {
  readonly wake: Effect.Effect<void>
}

/**
 * Looks for as long as the scope is open, at the start first of all.
 *
 * - `events`: what happens to suggestions.
 *
 * @internal
 */
export const make = ({
  events,
  ...needs
}: Omit<ByRules.Needs, "inFlight"> &
  TakingBack.Needs & { readonly events: Stream.Stream<SuggestionEvent> }): Effect.Effect<
  Automatic,
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const inFlight = yield* FiberMap.make<string>()
    const ofRules = yield* Effect.makeLatch(true)
    const ofLocks = yield* Effect.makeLatch(true)
    yield* repeatedly(ofRules, ByRules.make({ ...needs, inFlight }))
    yield* repeatedly(ofLocks, TakingBack.make(needs))
    yield* Effect.forkScoped(
      Stream.runForEach(events, ({ _tag }) => {
        if (_tag === "Proposed" && needs.rules.length > 0) return ofRules.open
        return _tag === "Relapsed" ? ofLocks.open : Effect.void
      })
    )
    // It listens before the layer is ready.
    yield* Effect.yieldNow()
    return { wake: Effect.zipRight(ofRules.open, ofLocks.open) }
  })

/**
 * Does it whenever the latch is open, and now and then as long as there is something to wait for.
 *
 * - `doing`: says whether there is. What could not be read is read again.
 */
const repeatedly = <E>(
  latch: Effect.Latch,
  doing: Effect.Effect<boolean, E>
): Effect.Effect<void, never, Scope.Scope> =>
  latch.await.pipe(
    Effect.zipRight(latch.close),
    Effect.zipRight(Effect.orElseSucceed(doing, () => true)),
    Effect.catchAllDefect(() =>
      Effect.as(SafeLog.warn("Rules could not look at suggestions: the store has a bug"), true)
    ),
    Effect.flatMap((waits) =>
      waits ? Effect.zipRight(Effect.timeoutOption(latch.await, PACE), latch.open) : Effect.void
    ),
    Effect.forever,
    Effect.forkScoped,
    Effect.asVoid
  )
