/**
 * The line of those who wait: an order, and the deadlines of those who have one.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Iterable from "effect/Iterable"
import * as Option from "effect/Option"
import type * as Order from "effect/Order"
import * as RedBlackTree from "effect/RedBlackTree"

/** @internal */
export interface Waiter {
  readonly priority: number
  /** The place in the sequence of calls, by which equal priorities are served (R5). */
  readonly place: number
  /** The monotonic instant after which it waits no longer as before; `Infinity` for none. */
  deadline: number
  /** Its max wait has passed and it is not refused for it: it goes before all others. */
  overdue: boolean
}

const byTurn: Order.Order<Waiter> = (a, b) => {
  if (a.overdue !== b.overdue) return a.overdue ? -1 : 1
  if (a.priority !== b.priority) return a.priority > b.priority ? -1 : 1
  return a.place === b.place ? 0 : a.place < b.place ? -1 : 1
}

const byDeadline: Order.Order<Waiter> = (a, b) =>
  a.deadline === b.deadline ? byTurn(a, b) : a.deadline < b.deadline ? -1 : 1

/** Every operation costs the logarithm of the length. */
export class Line<W extends Waiter> {
  #turns = RedBlackTree.empty<W, void>(byTurn)
  #deadlines = RedBlackTree.empty<W, void>(byDeadline)

  get size(): number {
    return RedBlackTree.size(this.#turns)
  }

  get first(): W | undefined {
    return head(this.#turns)
  }

  /** The one whose deadline comes next. */
  get mostUrgent(): W | undefined {
    return head(this.#deadlines)
  }

  add(waiter: W): void {
    this.#turns = RedBlackTree.insert(this.#turns, waiter, undefined)
    if (waiter.deadline < Number.POSITIVE_INFINITY) {
      this.#deadlines = RedBlackTree.insert(this.#deadlines, waiter, undefined)
    }
  }

  remove(waiter: W): void {
    this.#turns = RedBlackTree.removeFirst(this.#turns, waiter)
    if (waiter.deadline < Number.POSITIVE_INFINITY) {
      this.#deadlines = RedBlackTree.removeFirst(this.#deadlines, waiter)
    }
  }

  /** How many stand before it. */
  ahead(waiter: W): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = Option.getOrThrow(RedBlackTree.getAt(this.#turns, middle))[0]
      if (byTurn(other, waiter) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The first so many of those who wait. */
  take(count: number): ReadonlyArray<W> {
    return Arr.fromIterable(Iterable.take(this, count))
  }

  /** Those who wait, in the order of their turns. */
  [Symbol.iterator](): IterableIterator<W> {
    return RedBlackTree.keys(this.#turns)
  }
}

const head = <W>(tree: RedBlackTree.RedBlackTree<W, void>): W | undefined =>
  Option.getOrUndefined(RedBlackTree.first(tree))?.[0]
