/**
 * How many reviews may begin within 24 hours.
 *
 * @internal
 */
import * as Duration from "effect/Duration"

const DAY = Duration.toMillis("1 day")

/**
 * One review that has begun, and when.
 *
 * @internal
 */
export interface Counted {
  at: number
}

/**
 * Times are milliseconds since 1970.
 *
 * @internal
 */
export class DailyLimit {
  /** The last of them, the oldest first: never more than count. */
  readonly #starts: Array<Counted> = []
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  begin(at: number): Counted {
    const counted = { at }
    this.#starts.push(counted)
    if (this.#starts.length > this.#max) this.#starts.shift()
    return counted
  }

  /** It is not to count after all. */
  undo(counted: Counted): void {
    const index = this.#starts.indexOf(counted)
    if (index >= 0) this.#starts.splice(index, 1)
  }

  /** The clock was set by so much. */
  move(by: number): void {
    for (const counted of this.#starts) counted.at += by
  }

  /** Until when no other may begin; `undefined` if one may. */
  fullUntil(at: number): number | undefined {
    const [first] = this.#starts
    if (first === undefined || this.#starts.length < this.#max) return undefined
    const until = first.at + DAY
    return until > at ? until : undefined
  }
}
