/**
 * Which jobs have been reviewed so recently that the next automatic review of them has to wait.
 *
 * @internal
 */
import { instant } from "../request/HealingRequest.js"

/**
 * Times are milliseconds since 1970.
 *
 * @internal
 */
export class Cooldowns {
  /** When the last review of a job was completed, the oldest first, as long as a cool-down may last. */
  readonly #completedAt = new Map<string, number>()
  readonly #usual: number
  /** The longest cool-down that any single job has asked for. */
  #longest: number

  constructor(usual: number) {
    this.#usual = usual
    this.#longest = usual
  }

  start(job: string, at: number): void {
    this.#completedAt.delete(job)
    this.#completedAt.set(job, at)
    for (const [other, since] of this.#completedAt) {
      if (since + this.#longest > at) break
      this.#completedAt.delete(other)
    }
  }

  /** The clock was set by so much. */
  move(by: number): void {
    for (const [job, at] of this.#completedAt) this.#completedAt.set(job, at + by)
  }

  /** Whether a review of the job may have been completed so recently that it counts, and is not known here any more. */
  mayHaveForgotten(job: string, cooldown: number | null): boolean {
    return cooldown !== null && cooldown > this.#usual && !this.#completedAt.has(job)
  }

  /** When a review was completed that was forgotten. */
  remember(job: string, at: number): void {
    if (!this.#completedAt.has(job)) this.#completedAt.set(job, at)
  }

  /** When the cool-down of a job ends, of the usual length if it has none of its own; `null` if that is past. */
  endOf(job: string, at: number, cooldown: number | null): number | null {
    const length = cooldown ?? this.#usual
    this.#longest = Math.max(this.#longest, length)
    const last = this.#completedAt.get(job)
    const end = last === undefined ? at : last + length
    return end > at ? instant(end) : null
  }
}
