/**
 * Tells of the schedules that a clock has put out of step.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { named } from "../internal/Plural.js"

/**
 * Warns of those that are new since it was done last, in one line.
 *
 * - `ahead`: jobs whose schedules begin anew, since what was done last is still to come, and when that is.
 *
 * @internal
 */
export const make = (ahead: () => ReadonlyMap<string, number>): Effect.Effect<void> => {
  let told: ReadonlyMap<string, number> = new Map()
  return Effect.suspend(() => {
    const now = new Map(ahead())
    const news = Array.from(now.keys()).filter((job) => told.get(job) !== now.get(job))
    told = now
    if (news.length === 0) return Effect.void
    return Effect.logWarning(
      `The clock of the machine was ahead, and what was done last by the schedules of ${named(news)} is still to come: they count from now on`
    )
  })
}
