/**
 * One turn of a request: its beginning on disk, its review, and what that has come to.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Ticket from "../gate/Ticket.js"
import { givenBack } from "../gate/Turn.js"
import { HealingClosed, type HealingStoreError, HealingTimeout, ReviewError } from "../HealingError.js"
import * as Request from "../request/HealingRequest.js"
import * as RequestLife from "../request/RequestLife.js"
import { isReviewed, type Reviewed, type Reviewer, reviewWith } from "../review/Reviewer.js"
import * as Backoff from "./Backoff.js"
import { answer } from "./Caller.js"
import { CANCELLED, type Endings } from "./Endings.js"
import { HealingEvent } from "./HealingEvent.js"
import { answerAll, deadlineOf, endWaits, isWanted, type LiveRequest } from "./LiveRequests.js"
import * as QueueLog from "./QueueLog.js"
import type { QueueParts } from "./QueueParts.js"
import { died, logDeath } from "./ReviewDeath.js"

type HealingRequest = Request.HealingRequest

/**
 * - `owner`: to whom the tickets of requests belong in the gate.
 * - `lastReview`: when a review ended last, by the steady clock; `undefined` if none has.
 * - `stop`: interrupts the review of one that runs; the effect waits for the end of that.
 *
 * @internal
 */
export interface Reviewing {
  readonly owner: Ticket.Owner<LiveRequest>
  readonly lastReview: () => number | undefined
  readonly stop: (live: LiveRequest, why: "cancelled" | "closed") => Effect.Effect<void>
}

/** What a turn has come to. */
type Outcome =
  | Reviewed
  | NotBegun
  | { readonly _tag: "GivenBack" }
  | { readonly _tag: "Failed"; readonly error: ReviewError; readonly delay: Option.Option<number> }

/** The beginning of a review could not be written. */
class NotBegun {
  readonly _tag = "NotBegun"
  constructor(readonly error: HealingStoreError) {}
}

/** How long after its interruption a review is said to ignore it. */
const IGNORED = Duration.seconds(10)

const CHECK_EVERY = Duration.seconds(1)

const MISFIT = "its report does not fit: it should have a summary of 1 to 20,000 characters"

/**
 * - `checkStore`: sees whether the store is still ours. Nothing may be written for as long as a review runs.
 * - `fork` starts a turn: later, and uninterruptibly from before its first op, since nobody else gives the turn back.
 *
 * @internal
 */
export const make = (
  parts: QueueParts,
  endings: Endings,
  reviewer: Context.Tag.Service<Reviewer>,
  retries: Backoff.RetrySchedule,
  checkStore: Effect.Effect<void> | undefined,
  fork: (turn: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
): Reviewing => {
  const { gate, holds, log, publish, settings, wall } = parts
  const begin = beginIn(parts, endings)
  const settle = settleIn(parts, endings)
  const outcomeOf = outcomesOf(parts, retries)

  const checking =
    checkStore === undefined
      ? Effect.void
      : Effect.forkScoped(Effect.interruptible(Effect.forever(Effect.zipRight(Effect.sleep(CHECK_EVERY), checkStore))))

  let lastReview: number | undefined

  const begins = (live: LiveRequest) =>
    Effect.sync(() => publish(HealingEvent.Started({ at: wall(), request: live.request })))

  /** The whole turn. Whoever runs it does so uninterruptibly. */
  const turn = (
    live: LiveRequest,
    before: HealingRequest,
    begun: Effect.Effect<void, HealingStoreError>
  ): Effect.Effect<void> => {
    const review = Effect.filterOrFail(
      Effect.suspend(() => reviewWith(reviewer, live.request, begins(live))),
      isReviewed,
      () => new ReviewError({ job: live.job, reason: MISFIT, retry: { _tag: "Backoff" } })
    )
    const prepared = Effect.mapError(begun, (error) => new NotBegun(error))
    return checking.pipe(
      Effect.zipRight(gate.takeTurn(live, Effect.interruptible, review, prepared)),
      Effect.scoped,
      Effect.exit,
      Effect.flatMap((exit) => outcomeOf(live, exit)),
      Effect.map((outcome) => {
        if (live.stage === "reviewing") lastReview = gate.now()
        settle(live, before, outcome)
      })
    )
  }

  const owner: Ticket.Owner<LiveRequest> = {
    granted: (live) => {
      const before = live.request
      const counted = Request.isAutomatic(before) ? holds.begin(wall()) : undefined
      // Here and not in the fiber, so that a wish that comes before that has run is written after it.
      const begun = begin(live)
      live.review = { fiber: fork(turn(live, before, begun)), counted, ending: undefined }
    },
    begun: endWaits,
    deadlinePassed: (live, at, heldBy, ahead) => {
      const timeout = (calledAt: number) =>
        new HealingTimeout({ job: live.job, waited: Duration.millis(Math.round(at - calledAt)), heldBy, ahead })
      const { audience } = live
      for (const caller of audience.callers ?? []) {
        if (caller.deadline > at) continue
        audience.callers?.delete(caller)
        answer(caller, Effect.fail(timeout(caller.calledAt)))
      }
      if (audience.until <= at) audience.until = Number.NEGATIVE_INFINITY
      if (isWanted(live)) return deadlineOf(live)
      endings.endUnreviewed(live, "skipped", timeout(live.calledAt).message)
      return undefined
    },
    timedOut: (live) => {
      if (live.review === undefined) return
      const { review } = live
      review.ending ??= "timedOut"
      review.fiber.unsafeInterruptAsFork(FiberId.none)
      log(
        Effect.suspend(() =>
          live.review === review ? QueueLog.ignoresTimeout(live.job, settings.reviewTimeout, IGNORED) : Effect.void
        ).pipe(Effect.delay(IGNORED))
      )
    },
    closed: (live) => answerAll(live, Effect.fail(new HealingClosed({ job: live.job })))
  }

  return { owner, lastReview: () => lastReview, stop }
}

const stop: Reviewing["stop"] = ({ review }, why) => {
  if (review === undefined) return Effect.void
  if (review.ending === undefined || review.ending === "timedOut") review.ending = why
  review.fiber.unsafeInterruptAsFork(FiberId.none)
  return Effect.asVoid(Fiber.await(review.fiber))
}

/**
 * The request is running from now on. The effect ends when that is on disk, before the review begins, so that nobody takes it for
 * one that has not (R13).
 */
const beginIn =
  ({ ledger, live: requests, wall }: QueueParts, { dropNewer }: Endings) =>
  (live: LiveRequest): Effect.Effect<void, HealingStoreError> => {
    const running = RequestLife.begin(live.request, wall())
    requests.begin(live, running)
    return ledger.wish(
      live,
      { from: "pending", to: running },
      {
        written: () => {},
        failed: (error) => {
          if (error.reason !== "UnexpectedState") dropNewer(live.job, error)
        }
      }
    )
  }

/** What a turn has come to. Nothing that others have made, a logger or a schedule, is to keep it from its end. */
const outcomesOf =
  ({ settings, wall }: QueueParts, retries: Backoff.RetrySchedule) =>
  (live: LiveRequest, exit: Exit.Exit<Reviewed | typeof givenBack, ReviewError | NotBegun>): Effect.Effect<Outcome> => {
    if (Exit.isSuccess(exit)) return Effect.succeed(exit.value === givenBack ? { _tag: "GivenBack" } : exit.value)
    const notBegun = Option.filter(Cause.failureOption(exit.cause), (error) => error instanceof NotBegun)
    if (Option.isSome(notBegun)) return Effect.succeed(notBegun.value)
    const error = failureOf(live, exit.cause, settings.reviewTimeout)
    return Effect.zipWith(
      Cause.isDie(exit.cause) ? logDeath(error, exit.cause) : Effect.void,
      Backoff.delayAfter(retries, live.request.attempts + 1, error, wall()),
      (_, delay) => ({ _tag: "Failed" as const, error, delay })
    ).pipe(Effect.catchAllCause(() => Effect.succeed({ _tag: "Failed" as const, error, delay: Option.none() })))
  }

const failureOf = (
  { job, review }: LiveRequest,
  cause: Cause.Cause<unknown>,
  reviewTimeout: Duration.Duration
): ReviewError => {
  if (review?.ending === "timedOut") {
    const reason = `no answer within ${Duration.format(reviewTimeout)}`
    return new ReviewError({ job, reason, retry: { _tag: "Backoff" } })
  }
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  return error instanceof ReviewError ? error : died(job, cause)
}

/** Ends a turn as its outcome says. `before` is what the request was before it. */
const settleIn =
  ({ holds }: QueueParts, endings: Endings) =>
  (live: LiveRequest, before: HealingRequest, outcome: Outcome) => {
    const { counted, ending } = live.review ?? {}
    const hasBegun = live.stage === "reviewing"
    live.review = undefined
    const uncount = () => {
      if (counted !== undefined) holds.undo(counted)
    }
    if (!hasBegun) uncount()
    if (outcome._tag === "Completed") return endings.complete(live, outcome.report)
    if (outcome._tag === "Skipped") {
      // Nothing was spent on it.
      uncount()
      live.request = RequestLife.needless(live.request)
      return endings.endUnreviewed(live, "skipped", outcome.reason)
    }
    if (outcome._tag === "NotBegun") return endings.notBegun(live, before, outcome.error, ending === "cancelled")
    if (ending === "cancelled") return endings.endUnreviewed(live, "cancelled", CANCELLED)
    if (outcome._tag === "Failed" && outcome.error.retry._tag === "NotYet" && ending !== "closed") {
      uncount()
      live.request = RequestLife.needless(live.request)
      return endings.postpone(live, outcome.error.reason)
    }
    if (outcome._tag === "Failed" && ending !== "closed") return endings.fail(live, outcome.error, outcome.delay)
    return endings.giveBack(live, hasBegun ? RequestLife.giveBack(live.request) : before)
  }
