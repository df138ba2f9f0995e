/**
 * Several lines of those who wait, each of which can be held back as a whole.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import type { HeldBy } from "../HealingError.js"
import { byTurn, Line, type Waiter } from "./Line.js"

/**
 * What holds a lane back, without a word to those who wait in it.
 *
 * - `until`: the monotonic instant at which it ends by itself; `Infinity` for never.
 * - `heldBy`: what to tell of it, from how long it still lasts.
 * - `isForGranted`: whether one that was granted its turn, and has not begun its review, gives it back.
 *
 * @internal
 */
export interface Hold {
  readonly until: number
  readonly isForGranted: boolean
  readonly heldBy: (remaining: Duration.Duration) => HeldBy
}

/** @internal */
export class Lane<W extends Waiter> {
  readonly line = new Line<W>()
  readonly #holds = new Map<string, Hold>()

  /** Holds the lane back under this name, or no longer. */
  hold(name: string, hold: Hold | undefined): void {
    if (hold === undefined) this.#holds.delete(name)
    else this.#holds.set(name, hold)
  }

  /** The instant from which nothing holds it any more. */
  get heldUntil(): number {
    let until = Number.NEGATIVE_INFINITY
    for (const hold of this.#holds.values()) until = Math.max(until, hold.until)
    return until
  }

  /** Whether it holds those as well that were granted their turn. */
  isHeldForGranted(at: number): boolean {
    return Array.from(this.#holds.values()).some(({ isForGranted, until }) => isForGranted && until > at)
  }

  heldBy(at: number): ReadonlyArray<HeldBy> {
    return Array.from(this.#holds.values()).flatMap(({ heldBy, until }) =>
      until > at ? [heldBy(Duration.millis(until - at))] : []
    )
  }
}

/**
 * Those who wait in all lanes, in one order.
 *
 * @internal
 */
export class Lanes<W extends Waiter> {
  readonly #lanes: Array<Lane<W>> = []

  /** Another lane, until it is closed, empty. */
  make(): Lane<W> {
    const lane = new Lane<W>()
    this.#lanes.push(lane)
    return lane
  }

  close(lane: Lane<W>): void {
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
  }

  get waiting(): number {
    return this.#lanes.reduce((sum, { line }) => sum + line.size, 0)
  }

  /** The one whose turn is next, of those who may go and whom nothing holds. */
  nextUp(at: number): W | undefined {
    let best: W | undefined
    for (const { heldUntil, line } of this.#lanes) {
      const candidate = heldUntil <= at ? line.first : undefined
      if (candidate !== undefined && (best === undefined || byTurn(candidate, best) < 0)) best = candidate
    }
    return best
  }

  /** The one whose deadline comes next. */
  get mostUrgent(): W | undefined {
    let urgent: W | undefined
    for (const { line } of this.#lanes) {
      const candidate = line.mostUrgent
      if (candidate !== undefined && (urgent === undefined || candidate.deadline < urgent.deadline)) urgent = candidate
    }
    return urgent
  }

  /** How many stand before it. */
  ahead(waiter: W): number {
    return this.#lanes.reduce((sum, { line }) => sum + line.ahead(waiter), 0)
  }

  /** Ends the delays that are over, also while there is no turn for anybody. */
  release(at: number): void {
    for (const { line } of this.#lanes) line.release(at)
  }

  /** The first so many of those who wait. */
  take(count: number): ReadonlyArray<W> {
    return this.#lanes
      .flatMap(({ line }) => line.take(count))
      .sort((a, b) => a.notBefore - b.notBefore || byTurn(a, b))
      .slice(0, count)
  }

  /** What holds any of them back, each kind once. */
  heldBy(at: number): ReadonlyArray<HeldBy> {
    return Arr.dedupeWith(
      this.#lanes.flatMap((lane) => lane.heldBy(at)),
      (one, other) => one._tag === other._tag
    )
  }

  [Symbol.iterator](): IterableIterator<Lane<W>> {
    return this.#lanes.values()
  }
}
