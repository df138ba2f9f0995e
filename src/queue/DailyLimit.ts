/**
 * How many reviews may begin within 24 hours.
 *
 * @internal
 */
import * as Duration from "effect/Duration"

const DAY = Duration.toMillis("1 day")

/** Times are milliseconds since 1970. */
export class DailyLimit {
  /** The last of them, the oldest first: never more than count. */
  readonly #starts: Array<number> = []
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  begin(at: number): void {
    this.#noneAfter(at)
    this.#starts.push(at)
    if (this.#starts.length > this.#max) this.#starts.shift()
  }

  /** One of them is not to count, the last one or the one that began then. */
  undo(at?: number): void {
    const index = at === undefined ? -1 : this.#starts.lastIndexOf(at)
    this.#starts.splice(index, 1)
  }

  /** Until when no other may begin; `undefined` if one may. */
  fullUntil(at: number): number | undefined {
    this.#noneAfter(at)
    const [first] = this.#starts
    if (first === undefined || this.#starts.length < this.#max) return undefined
    const until = first + DAY
    return until > at ? until : undefined
  }

  /** A clock that was set back is not to prolong it: those that began later than now began now at the latest. */
  #noneAfter(at: number): void {
    for (let i = this.#starts.length - 1; i >= 0 && Number(this.#starts[i]) > at; i--) this.#starts[i] = at
  }
}
