/**
 * All lanes together: one order, of which each lane has a part.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import type { HeldBy } from "./HealingError.js"
import type { Lane } from "./Lane.js"
import { byTurn, type Waiter } from "./Line.js"

/** @internal */
export class Lanes<T extends Waiter> implements Iterable<Lane<T>> {
  readonly #lanes: Array<Lane<T>>

  constructor(first: Lane<T>) {
    this.#lanes = [first]
  }

  add(lane: Lane<T>): void {
    this.#lanes.push(lane)
  }

  delete(lane: Lane<T>): void {
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
  }

  [Symbol.iterator](): Iterator<Lane<T>> {
    return this.#lanes[Symbol.iterator]()
  }

  get waiting(): number {
    return this.#lanes.reduce((sum, { line }) => sum + line.size, 0)
  }

  /** Ends the delays that are over at this instant, also while there is no turn for anybody. */
  release(at: number): void {
    for (const { line } of this.#lanes) line.release(at)
  }

  /** Who is the first of those that nothing holds. */
  nextUp(at: number): T | undefined {
    let next: T | undefined
    for (const { heldUntil, line } of this.#lanes) {
      const first = heldUntil <= at ? line.first : undefined
      if (first !== undefined && (next === undefined || byTurn(first, next) < 0)) next = first
    }
    return next
  }

  /** Whose deadline is the next one. */
  get mostUrgent(): T | undefined {
    let urgent: T | undefined
    for (const { line } of this.#lanes) {
      const candidate = line.mostUrgent
      if (candidate !== undefined && (urgent === undefined || candidate.deadline < urgent.deadline)) urgent = candidate
    }
    return urgent
  }

  /** How many stand before it. */
  ahead(waiter: T): number {
    return this.#lanes.reduce((sum, { line }) => sum + line.ahead(waiter), 0)
  }

  /** The first so many, in their order. */
  take(count: number): ReadonlyArray<T> {
    return this.#lanes
      .flatMap(({ line }) => line.take(count))
      .sort((a, b) => a.notBefore - b.notBefore || byTurn(a, b))
      .slice(0, count)
  }

  /** What holds any of them, each kind once. */
  heldBy(at: number): ReadonlyArray<HeldBy> {
    return Arr.dedupeWith(
      this.#lanes.flatMap((lane) => lane.heldBy(at)),
      (one, other) => one._tag === other._tag
    )
  }
}
