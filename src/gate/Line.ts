/**
 * The line of those who wait: an order, and the delays and deadlines of those who have one.
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
  priority: number
  /** The place in the sequence of calls, by which equal priorities are served (R5). */
  readonly place: number
  /** The monotonic instant before which it takes no turn; `-Infinity` for none. */
  notBefore: number
  /** The monotonic instant after which it waits no longer as before; `Infinity` for none. */
  deadline: number
  /** Its max wait has passed and it is not refused for it: it goes before all others. */
  overdue: boolean
}

/** @internal */
export const byTurn: Order.Order<Waiter> = (a, b) => {
  if (a.overdue !== b.overdue) return a.overdue ? -1 : 1
  if (a.priority !== b.priority) return a.priority > b.priority ? -1 : 1
  return a.place === b.place ? 0 : a.place < b.place ? -1 : 1
}

const by =
  (key: "notBefore" | "deadline"): Order.Order<Waiter> =>
  (a, b) =>
    a[key] === b[key] ? byTurn(a, b) : a[key] < b[key] ? -1 : 1

/**
 * Every operation costs the logarithm of the length. What the order goes by changes only while the waiter is out of it.
 *
 * @internal
 */
export class Line<W extends Waiter> {
  #turns = RedBlackTree.empty<W, void>(byTurn)
  #delays = RedBlackTree.empty<W, void>(by("notBefore"))
  #deadlines = RedBlackTree.empty<W, void>(by("deadline"))

  get size(): number {
    return RedBlackTree.size(this.#turns) + RedBlackTree.size(this.#delays)
  }

  /** The one to go next, of those who may. */
  get first(): W | undefined {
    return head(this.#turns)
  }

  /** The one who may go next, of those who may not yet. */
  get firstDelayed(): W | undefined {
    return head(this.#delays)
  }

  /** The one whose deadline comes next. */
  get mostUrgent(): W | undefined {
    return head(this.#deadlines)
  }

  add(waiter: W): void {
    if (waiter.notBefore > Number.NEGATIVE_INFINITY) this.#delays = RedBlackTree.insert(this.#delays, waiter, undefined)
    else this.#turns = RedBlackTree.insert(this.#turns, waiter, undefined)
    if (waiter.deadline < Number.POSITIVE_INFINITY) {
      this.#deadlines = RedBlackTree.insert(this.#deadlines, waiter, undefined)
    }
  }

  remove(waiter: W): void {
    if (waiter.notBefore > Number.NEGATIVE_INFINITY) this.#delays = RedBlackTree.removeFirst(this.#delays, waiter)
    else this.#turns = RedBlackTree.removeFirst(this.#turns, waiter)
    if (waiter.deadline < Number.POSITIVE_INFINITY) {
      this.#deadlines = RedBlackTree.removeFirst(this.#deadlines, waiter)
    }
  }

  /** Ends the delays that are over at this instant. */
  release(at: number): void {
    for (let due = this.firstDelayed; due !== undefined && due.notBefore <= at; due = this.firstDelayed) {
      this.remove(due)
      due.notBefore = Number.NEGATIVE_INFINITY
      this.add(due)
    }
  }

  /** How many stand before it. */
  ahead(waiter: W): number {
    let low = 0
    let high = RedBlackTree.size(this.#turns)
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

  /** Those who wait, in the order of their turns; after them those who may not go yet. */
  *[Symbol.iterator](): IterableIterator<W> {
    yield* RedBlackTree.keys(this.#turns)
    yield* RedBlackTree.keys(this.#delays)
  }
}

const head = <W>(tree: RedBlackTree.RedBlackTree<W, void>): W | undefined =>
  Option.getOrUndefined(RedBlackTree.first(tree))?.[0]
