/**
 * The steady clock, by which everything is measured that must not jump when the wall clock is set; and what clocks cannot do.
 *
 * @internal
 */
import { uptime } from "node:os"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const nanos = (): number => Number(process.hrtime.bigint()) / 1e6

/** Shorter suspensions count as none: some systems tell how long they are up in whole seconds. */
const LEAST_SUSPENSION = 2000

const LOOK_EVERY = 1000

/**
 * How long the machine has been suspended since the first look, in milliseconds. The monotonic clock of Node stands still meanwhile, and
 * the uptime of the machine goes on: https://man7.org/linux/man-pages/man2/clock_gettime.2.html, CLOCK_MONOTONIC and CLOCK_BOOTTIME.
 */
class Suspension {
  readonly #atFirst = uptime() * 1000 - nanos()
  #lookedAt = nanos()
  #total = 0

  /** A look costs some microseconds, so there is one in a second, unless it has to be `fresh`. */
  total(fresh: boolean): number {
    const at = nanos()
    if (fresh || at - this.#lookedAt >= LOOK_EVERY) {
      this.#lookedAt = at
      const total = uptime() * 1000 - at - this.#atFirst
      if (total - this.#total >= LEAST_SUSPENSION) this.#total = total
    }
    return this.#total
  }
}

let suspension: Suspension | undefined

const MachineClock = Clock.make().constructor

/**
 * A clock that has this member tells by itself how long the machine was suspended, in milliseconds: for tests.
 *
 * @internal
 */
export const suspended: unique symbol = Symbol.for("effect-healing/Clocks/suspended")

/**
 * How long the machine has been suspended, in milliseconds, by its own clock. A clock that somebody else made, such as a `TestClock`, goes
 * by itself: it was never suspended.
 *
 * @internal
 */
export const suspendedBy = (clock: Clock.Clock & { readonly [suspended]?: () => number }, fresh = false): number => {
  const own = clock[suspended]?.()
  if (own !== undefined) return own
  if (!(clock instanceof MachineClock)) return 0
  suspension ??= new Suspension()
  return suspension.total(fresh)
}

/**
 * The steady clock: milliseconds that no setting of the wall clock moves. It goes on while the machine is suspended, which is seen within
 * a second of its waking up, or at once if it has to be `fresh`.
 *
 * @internal
 */
export const millis = (clock: Clock.Clock, fresh = false): number =>
  Number(clock.unsafeCurrentTimeNanos()) / 1e6 + suspendedBy(clock, fresh)

/** Smaller steps of the wall clock are followed as they come, until they have come to so much. */
const LEAST_STEP = 1000

/**
 * The wall clock, in milliseconds since 1970. `onSet` is told by how much it was set, before the first look after that returns.
 *
 * @internal
 */
export const wall = (clock: Clock.Clock, onSet: (by: number) => void): (() => number) => {
  let ahead = clock.unsafeCurrentTimeMillis() - millis(clock)
  return () => {
    const at = clock.unsafeCurrentTimeMillis()
    if (Math.abs(at - millis(clock) - ahead) < LEAST_STEP) return at
    const by = at - millis(clock, true) - ahead
    if (Math.abs(by) >= LEAST_STEP) {
      ahead += by
      onSet(Math.round(by))
    }
    return at
  }
}

/**
 * The longest sleep that a JavaScript timer can do; beyond it `Clock.sleep` sets no timer at all.
 *
 * @internal
 */
export const MAX_SLEEP = 2 ** 31 - 1

/**
 * Lets everything else of the process go first, timers and sockets included: `Effect.yieldNow` gives way to other fibers only.
 *
 * @internal
 */
export const giveWay: Effect.Effect<void> = Effect.flatMap(Effect.clock, (clock) => clock.sleep(Duration.zero))
