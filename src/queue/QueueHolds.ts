/**
 * What holds the requests of the queue back: a pause, a rate limit, the limit of reviews per day, a store that fails.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import type { Gate } from "../gate/Gate.js"
import type { HealingStoreError, HeldBy } from "../HealingError.js"
import { instant } from "../request/HealingRequest.js"
import type { QueueState } from "../store/Change.js"
import type { Trouble } from "./BatchWriter.js"
import { type Counted, DailyLimit } from "./DailyLimit.js"
import { HealingEvent } from "./HealingEvent.js"
import type { QueueLanes } from "./LiveRequests.js"

/**
 * - `state`: what is remembered, but for a rate limit that is over.
 * - `remember`: this, from now on, except that no rate limit lasts for more than a day. Returns it.
 * - `move`: the clock was set by so many milliseconds. Returns whether a rate limit ends at another time for that.
 * - `limitRate`: what is to be remembered for a rate limit, until the given time if one is known.
 * - `begin`, `undo`: an automatic review is about to begin, and counts; it has not begun after all, or there was nothing to review.
 * - `fullUntil`: until when no other one may begin.
 * - `trouble`: the store fails, or does no more.
 *
 * Times are milliseconds since 1970.
 *
 * @internal
 */
export interface QueueHolds {
  readonly state: () => QueueState
  readonly remember: (state: QueueState) => QueueState
  readonly move: (by: number) => boolean
  readonly limitRate: (until: number | undefined) => QueueState
  readonly begin: (at: number) => Counted
  readonly undo: (counted: Counted) => void
  readonly fullUntil: (at: number) => number | undefined
  readonly trouble: (trouble: Trouble | undefined) => void
}

const HOUR = Duration.toMillis("1 hour")

const DAY = Duration.toMillis("1 day")

const FIRST_LIMIT = Duration.toMillis("1 minute")

/**
 * - `sayFull`: says, at most once a day, until when no automatic review may begin.
 *
 * @internal
 */
export const make = (
  gate: Gate,
  lanes: QueueLanes,
  wall: () => number,
  maxReviewsPerDay: number,
  publish: (event: HealingEvent) => void,
  sayFull: (until: number) => void
): QueueHolds => {
  const day = new DailyLimit(maxReviewsPerDay)
  let state: QueueState = { paused: false, rateLimitedUntil: null, rateLimits: 0 }
  /** Why the store fails, as was told last. */
  let told: HealingStoreError["reason"] | undefined
  /** When it was last said that the day is full. */
  let saidFullAt = Number.NEGATIVE_INFINITY

  const holdAll = (name: string, until: number | undefined, heldBy: (remaining: Duration.Duration) => HeldBy) => {
    for (const lane of [lanes.manual, lanes.automatic]) {
      gate.hold(lane, name, until === undefined ? undefined : { until, heldBy, isForGranted: true })
    }
  }

  const holdForDay = () => {
    const until = day.fullUntil(wall())
    if (until !== undefined && gate.now() - saidFullAt >= DAY) {
      saidFullAt = gate.now()
      sayFull(until)
    }
    gate.hold(
      lanes.automatic,
      "day",
      until === undefined
        ? undefined
        : {
            until: gate.now() + (until - wall()),
            heldBy: (remaining) => ({ _tag: "DailyLimit", remaining }),
            // Each of them has been counted.
            isForGranted: false
          }
    )
  }

  const isOver = (at: number | null) => at !== null && at <= wall()

  const stateNow = () => (isOver(state.rateLimitedUntil) ? { ...state, rateLimitedUntil: null } : state)

  return {
    state: stateNow,
    remember: ({ paused, rateLimitedUntil, rateLimits }) => {
      const at = wall()
      // A clock that was ahead when it was written is not to prolong it.
      const limitedUntil =
        rateLimitedUntil === null || isOver(rateLimitedUntil) ? null : Math.min(rateLimitedUntil, at + DAY)
      state = { paused, rateLimitedUntil: limitedUntil, rateLimits }
      holdAll("pause", paused ? Number.POSITIVE_INFINITY : undefined, () => ({ _tag: "Paused" }))
      const until = limitedUntil === null ? undefined : gate.now() + (limitedUntil - at)
      holdAll("rate limit", until, (remaining) => ({ _tag: "RateLimited", remaining }))
      return state
    },
    move: (by) => {
      day.move(by)
      if (state.rateLimitedUntil === null) return false
      state = { ...state, rateLimitedUntil: instant(state.rateLimitedUntil + by) }
      return true
    },
    limitRate: (until) => limitRate(stateNow(), until, wall()),
    begin: (at) => {
      const counted = day.begin(at)
      holdForDay()
      return counted
    },
    undo: (counted) => {
      day.undo(counted)
      holdForDay()
    },
    fullUntil: (at) => day.fullUntil(at),
    trouble: (trouble) => {
      const reason = trouble?.error.detail ?? ""
      // What has happened comes first. If there is no such thing, the next review that begins is the next try.
      const until = trouble?.keeps === true ? Number.POSITIVE_INFINITY : trouble?.nextTry
      holdAll("store", until, () => ({ _tag: "StoreFailing", reason }))
      if (trouble !== undefined && trouble.error.reason !== told)
        publish(HealingEvent.StoreFailing({ at: wall(), reason }))
      if (trouble === undefined) publish(HealingEvent.StoreRecovered({ at: wall() }))
      told = trouble?.error.reason
    }
  }
}

/** What is remembered of a rate limit, until the given time or, if that is not known or over, for longer each time. */
const limitRate = (state: QueueState, until: number | undefined, at: number): QueueState => {
  const growing = Math.min(FIRST_LIMIT * 2 ** Math.min(state.rateLimits, 6), HOUR)
  const named = until !== undefined && until > at ? until : at + growing
  // What another review was told of is not made shorter.
  const rateLimitedUntil = Math.round(Math.max(named, state.rateLimitedUntil ?? at))
  return { ...state, rateLimitedUntil, rateLimits: state.rateLimits + 1 }
}
