/**
 * A line that can be held back as a whole, without a word to those who wait in it.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import type { HeldBy } from "../HealingError.js"
import { Line, type Waiter } from "./Line.js"

/**
 * - `until`: the monotonic instant at which it ends by itself; `Infinity` for never.
 * - `heldBy`: what to tell of it, from how long it lasts yet.
 *
 * @internal
 */
export interface Hold {
  readonly until: number
  readonly heldBy: (remaining: Duration.Duration) => HeldBy
}

/** @internal */
export class Lane<W extends Waiter> {
  readonly line = new Line<W>()
  readonly holds = new Map<string, Hold>()

  /** The instant from which nothing holds it any more. */
  get heldUntil(): number {
    let until = Number.NEGATIVE_INFINITY
    for (const hold of this.holds.values()) until = Math.max(until, hold.until)
    return until
  }

  heldBy(at: number): ReadonlyArray<HeldBy> {
    return Array.from(this.holds.values()).flatMap(({ heldBy, until }) =>
      until > at ? [heldBy(Duration.millis(until - at))] : []
    )
  }
}
