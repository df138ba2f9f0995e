/**
 * The monotonic clock, by which everything is measured that must not jump when the wall clock is set; and what clocks cannot do.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** @internal */
export const millis = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6

/**
 * The longest sleep that a JavaScript timer can do; beyond it `Clock.sleep` sets no timer at all.
 *
 * @internal
 */
export const MAX_SLEEP = 2 ** 31 - 1

/**
 * The last instant that a `Date` can be, in milliseconds since 1970: https://tc39.es/ecma262/#sec-time-values-and-time-range.
 *
 * @internal
 */
export const LAST_INSTANT = 8.64e15

/**
 * Lets everything else of the process go first, timers and sockets included: `Effect.yieldNow` gives way to other fibers only.
 *
 * @internal
 */
export const giveWay: Effect.Effect<void> = Effect.flatMap(Effect.clock, (clock) => clock.sleep(Duration.zero))
