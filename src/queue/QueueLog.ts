/**
 * What the queue says of itself, once each: for those who read a log and no events.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { count, named } from "../internal/Plural.js"
import { safely } from "../internal/SafeLog.js"
import type { HealingEvent } from "./HealingEvent.js"

const time = (at: number): string => new Date(at).toISOString()

const waits = (requests: number): ReadonlyArray<string> =>
  requests === 0 ? [] : [`${count(requests, "request")} ${requests === 1 ? "waits" : "wait"}`]

/**
 * What the last process has left.
 *
 * - `cutOff`: how many reviews it was in the middle of.
 *
 * @internal
 */
export const starting = (location: string, waiting: number, cutOff: number): Effect.Effect<void> => {
  const left = waits(waiting)
  if (cutOff > 0) {
    const were = cutOff === 1 ? "was" : "were"
    return safely(
      Effect.logWarning(
        [`${location}: ${count(cutOff, "review")} ${were} cut off by the end of the last process`, ...left].join("; ")
      )
    )
  }
  return left.length === 0
    ? Effect.void
    : safely(Effect.logInfo(`${location}: ${left.join("; ")} from the last process`))
}

/**
 * - `reviewed`: the jobs whose reviews are interrupted.
 *
 * @internal
 */
export const ending = (location: string, reviewed: ReadonlyArray<string>, waiting: number): Effect.Effect<void> => {
  const isOne = reviewed.length === 1
  const interrupted =
    reviewed.length === 0
      ? []
      : isOne
        ? [`the review of ${named(reviewed)} is interrupted`]
        : [`the reviews of ${named(reviewed)} are interrupted`]
  const left = waits(waiting)
  const all = [...interrupted, ...left]
  return all.length === 0 ? Effect.void : safely(Effect.logInfo(`${location} is closed: ${all.join("; ")}`))
}

/**
 * Reviews that have not ended although they were interrupted, for so long.
 *
 * @internal
 */
export const ignoresEnd = (jobs: ReadonlyArray<string>, since: Duration.Duration): Effect.Effect<void> => {
  const by = `for ${Duration.format(since)} by now (shutdown_timeout)`
  return safely(
    Effect.logWarning(
      jobs.length === 1
        ? `The review of ${named(jobs)} ignores its interruption, ${by}: nobody waits for it any more, and it is done again at the next start`
        : `The reviews of ${named(jobs)} ignore their interruption, ${by}: nobody waits for them any more, and they are done again at the next start`
    )
  )
}

/**
 * Of the events those that a person may have to do something about, or that say why nothing happens.
 *
 * @internal
 */
export const ofEvent = (location: string, event: HealingEvent): Effect.Effect<void> | undefined => {
  switch (event._tag) {
    case "StoreFailing":
      return safely(
        Effect.logError(`No review begins, and no request is taken in, until this is mended: ${event.reason}`)
      )
    case "StoreRecovered":
      return safely(Effect.logInfo(`${location}: what has happened is written again, and reviews go on`))
    case "RateLimited":
      return safely(
        Effect.logWarning(
          `${location}: the provider limits the rate of requests, and reviews wait until ${time(event.until)}`
        )
      )
    default:
      return undefined
  }
}

/**
 * As many automatic reviews have begun as may within 24 hours.
 *
 * @internal
 */
export const dayIsFull = (location: string, maxReviewsPerDay: number, until: number): Effect.Effect<void> =>
  safely(
    Effect.logWarning(
      `${location}: max_reviews_per_day (${maxReviewsPerDay}) is reached: the next automatic review waits until ${time(until)}`
    )
  )

/**
 * A review that holds its turn although it was interrupted at its timeout.
 *
 * @internal
 */
export const ignoresTimeout = (
  job: string,
  reviewTimeout: Duration.Duration,
  since: Duration.Duration
): Effect.Effect<void> =>
  safely(
    Effect.logWarning(
      `The review of "${job}" has ignored its interruption for ${Duration.format(since)}, after the ${Duration.format(reviewTimeout)} of review_timeout: ` +
        "it keeps its turn until it ends. If it does not, restart this process"
    )
  )

/**
 * The queue has stopped for good.
 *
 * @internal
 */
export const lost = (reason: string): Effect.Effect<void> => safely(Effect.logFatal(reason))
