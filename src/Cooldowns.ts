/**
 * Which jobs have been reviewed so recently that the next automatic review of them has to wait.
 *
 * @internal
 */
import { instant } from "./HealingRequest.js"

/**
 * Times are milliseconds since 1970.
 *
 * @internal
 */
export class Cooldowns {
  /** When the last review of a job was completed, the oldest first, as long as its cool-down may last. */
  readonly #completedAt = new Map<string, number>()
  readonly #cooldown: number

  constructor(cooldown: number) {
    this.#cooldown = cooldown
  }

  start(job: string, at: number): void {
    this.#completedAt.delete(job)
    this.#completedAt.set(job, at)
    for (const [other, since] of this.#completedAt) {
      if (since + this.#cooldown > at) break
      this.#completedAt.delete(other)
    }
  }

  /** When the cool-down of a job ends; `null` if it has none. */
  endOf(job: string, at: number): number | null {
    const last = this.#completedAt.get(job)
    // A clock that was set back is not to prolong it.
    const end = last === undefined ? at : Math.min(last, at) + this.#cooldown
    return end > at ? instant(end) : null
  }
}
