/**
 * What becomes of a request after its turn, or without one: in memory, in the gate and on disk, together.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { HealingCancelled, HealingSkipped, type HealingStoreError, type ReviewError } from "../HealingError.js"
import * as Request from "../request/HealingRequest.js"
import type { Report } from "../request/Report.js"
import * as RequestLife from "../request/RequestLife.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import { type Change, queueState, suggestion, transition } from "../store/Change.js"
import { answer } from "./Caller.js"
import { HealingEvent } from "./HealingEvent.js"
import { answerAll, type LiveRequest } from "./LiveRequests.js"
import type { QueueParts } from "./QueueParts.js"
import { type HealError, outcomeOf, type Review, reviewOf } from "./Review.js"

type HealingRequest = Request.HealingRequest

/**
 * - `endUnreviewed`: ends one without a review.
 * - `complete`: its review has ended with this report.
 * - `fail`: its review has failed; it is tried again after the delay, in milliseconds, if there is one and it may be.
 * - `postpone`: what it is about is not there yet, for this reason: it waits for another minute.
 * - `giveBack`: it waits again as this, for no fault of its own.
 * - `notBegun`: it was granted a turn as this, and the beginning of its review could not be written; somebody may have
 *   cancelled it meanwhile.
 * - `dropNewer`: loses the pending one of a job that came when the one before it was about to run, which then could not: it cannot
 *   be pending beside that.
 *
 * @internal
 */
export interface Endings {
  readonly endUnreviewed: (live: LiveRequest, state: "cancelled" | "skipped", reason: string) => void
  readonly complete: (live: LiveRequest, report: Report) => void
  readonly fail: (live: LiveRequest, error: ReviewError, delay: Option.Option<number>) => void
  readonly postpone: (live: LiveRequest, reason: string) => void
  readonly giveBack: (live: LiveRequest, pending: HealingRequest) => void
  readonly notBegun: (live: LiveRequest, before: HealingRequest, error: HealingStoreError, isCancelled: boolean) => void
  readonly dropNewer: (job: string, error: HealingStoreError) => void
}

/** How long one waits whose subject is not there yet. */
const POSTPONED = Duration.toMillis("1 minute")

/** @internal */
export const CANCELLED = "it was cancelled"

/**
 * `onEnd` is told of each one that has ended for good.
 *
 * Longer than a screen, since the endings call each other: a failure may be a retry, a retry a merge, a beginning that could not be
 * written a cancellation.
 *
 * @internal
 */
export const make = (parts: QueueParts, onEnd: () => void): Endings => {
  const { cooldowns, gate, holds, isClosed, ledger, live: requests, publish, settings, wall } = parts

  const term = Duration.toMillis(settings.suggestions.expireAfter)

  /** It has ended as this, with this for those who wait. What else changes with it is written with it. */
  const finish = (
    live: LiveRequest,
    ended: HealingRequest,
    outcome: Effect.Effect<Review, HealError>,
    after: () => ReadonlyArray<Change> = () => []
  ) => {
    const from = requests.isRunning(live) ? "running" : "pending"
    requests.end(live, ended)
    gate.leave(live)
    ledger.happened(
      live,
      { from, to: ended, after },
      {
        stuck: (error) => {
          for (const caller of live.audience.callers ?? []) if (caller.failsFast) answer(caller, Effect.fail(error))
        },
        done: (error) => {
          requests.forget(live)
          if (error === undefined && live.lost === undefined)
            publish(HealingEvent.Ended({ at: wall(), request: ended }))
          const lost = error ?? live.lost
          // Who only watches hears what is on disk, as somebody does who asks later.
          if (lost === undefined) answerAll(live, outcome, outcomeOf(ended) ?? outcome)
          else answerAll(live, Effect.fail(lost))
          onEnd()
        }
      }
    )
  }

  const endUnreviewed: Endings["endUnreviewed"] = (live, state, reason) => {
    const { id, job } = live.request
    const error = state === "cancelled" ? new HealingCancelled({ id, job }) : new HealingSkipped({ id, job, reason })
    finish(live, RequestLife.end(live.request, state, wall(), reason), Effect.fail(error))
  }

  /** The pending automatic request of a job has to wait for the cool-down that begins now. Returns what is written of it. */
  const coolDown = (job: string, at: number): (() => ReadonlyArray<Change>) => {
    cooldowns.start(job, at)
    const next = requests.pendingOf(job)
    const notBefore = cooldowns.endOf(job, at, next?.request.cooldown ?? null)
    if (next === undefined || notBefore === null || !Request.isAutomatic(next.request)) return () => []
    const cooling = { ...next.request, notBefore }
    requests.update(next, cooling)
    next.settled = { ...next.settled, notBefore }
    return () => (next.lost === undefined ? [transition("pending", cooling)] : [])
  }

  /** A review that has succeeded ends a series of rate limits. Returns what is written of it. */
  const endRateLimits = (): ReadonlyArray<Change> => {
    const state = holds.state()
    return state.rateLimits === 0 ? [] : [queueState(holds.remember({ ...state, rateLimits: 0 }))]
  }

  const complete: Endings["complete"] = (live, report) => {
    const at = wall()
    const completed = RequestLife.complete(live.request, at, report)
    const cooling = coolDown(live.job, at)
    const unlimited = endRateLimits()
    const suggestions = SuggestionLife.propose(completed, at, term).map((one) => suggestion(null, one))
    finish(live, completed, Effect.succeed(reviewOf(completed, at, report)), () => [
      ...cooling(),
      ...unlimited,
      ...suggestions
    ])
  }

  /** Pending again, and in line at its old place. */
  const waitAgain = (live: LiveRequest, pending: HealingRequest) => {
    requests.putBack(live, pending)
    if (isClosed()) gate.leave(live)
    else gate.giveTurnBack(live)
  }

  /** The running one is pending again, merged with the pending one that has come meanwhile (R14). */
  const backToPending = (
    live: LiveRequest,
    pending: HealingRequest,
    event: (request: HealingRequest) => HealingEvent,
    others: ReadonlyArray<Change> = []
  ) => {
    const newer = requests.pendingOf(live.job)
    const [merged, gone] = newer === undefined ? [pending] : RequestLife.merge(pending, newer.request, wall())
    if (newer !== undefined && gone !== undefined) {
      requests.end(newer, gone)
      gate.leave(newer)
      requests.moveCallers(newer, live)
    }
    // Its own max wait has ended with its turn.
    live.overdue = newer?.overdue === true
    waitAgain(live, merged)
    live.settled = merged
    const coalesced = () => (gone === undefined || newer?.lost !== undefined ? [] : [gone])
    ledger.happened(
      live,
      {
        from: "running",
        to: merged,
        before: () => coalesced().map((gone) => transition("pending", gone)),
        after: () => others
      },
      {
        done: (error) => {
          if (newer !== undefined) requests.forget(newer)
          if (error !== undefined) return
          for (const request of coalesced()) publish(HealingEvent.Ended({ at: wall(), request }))
          publish(event(merged))
        }
      }
    )
  }

  const givenBack = (request: HealingRequest) => HealingEvent.GivenBack({ at: wall(), request })

  const limitRate = (live: LiveRequest, until: number | undefined) => {
    const state = holds.remember(holds.limitRate(until))
    backToPending(live, RequestLife.giveBack(live.request), givenBack, [queueState(state)])
    publish(HealingEvent.RateLimited({ at: wall(), until: state.rateLimitedUntil ?? wall() }))
  }

  const fail: Endings["fail"] = (live, error, delay) => {
    const { request } = live
    if (error.retry._tag === "RateLimited") return limitRate(live, error.retry.until)
    if (error.retry._tag === "Backoff" && Option.isSome(delay) && request.attempts + 1 < settings.maxAttempts) {
      const { reason } = error
      return backToPending(live, RequestLife.retry(request, Request.instant(wall() + delay.value)), (request) =>
        HealingEvent.Retrying({ at: wall(), request, reason })
      )
    }
    return finish(live, RequestLife.fail(request, wall(), error.reason), Effect.fail(error))
  }

  const postpone: Endings["postpone"] = (live, reason) => {
    const { id, job } = live.request
    // Who waits for an answer is not kept waiting for what may never come.
    for (const caller of live.audience.callers ?? [])
      answer(caller, Effect.fail(new HealingSkipped({ id, job, reason })))
    live.audience.callers = undefined
    if (live.request.callersOnly) return endUnreviewed(live, "skipped", reason)
    return backToPending(
      live,
      RequestLife.postpone(live.request, Request.instant(wall() + POSTPONED), reason),
      givenBack
    )
  }

  const dropNewer: Endings["dropNewer"] = (job, error) => {
    const newer = requests.pendingOf(job)
    if (newer !== undefined) drop(newer, error)
  }

  /** It is not on disk and will not be: whoever waits for it hears why. */
  const drop = (live: LiveRequest, error: HealingStoreError) => {
    live.lost = error
    requests.remove(live)
    gate.leave(live)
    answerAll(live, Effect.fail(error))
  }

  const notBegun: Endings["notBegun"] = (live, before, error, isCancelled) => {
    if (error.reason === "UnexpectedState") return drop(live, error)
    dropNewer(live.job, error)
    waitAgain(live, before)
    if (isCancelled) endUnreviewed(live, "cancelled", CANCELLED)
  }

  return {
    endUnreviewed,
    complete,
    fail,
    postpone,
    giveBack: (live, pending) => backToPending(live, pending, givenBack),
    notBegun,
    dropNewer
  }
}
