/**
 * What becomes of a request in its turn, and how it ends.
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
import type { Gate } from "../gate/Gate.js"
import type * as Ticket from "../gate/Ticket.js"
import * as Turn from "../gate/Turn.js"
import {
  HealingCancelled,
  HealingClosed,
  HealingSkipped,
  type HealingStoreError,
  HealingTimeout,
  ReviewError
} from "../HealingError.js"
import * as Request from "../request/HealingRequest.js"
import type { Report } from "../request/Report.js"
import { isReviewed, type Reviewed, type Reviewer } from "../review/Reviewer.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import { type Change, type QueueState, transition } from "../store/Change.js"
import * as Backoff from "./Backoff.js"
import type { BatchWriter } from "./BatchWriter.js"
import type { Cooldowns } from "./Cooldowns.js"
import { answer, answerAll, deadlineOf, type Entries, type Entry, endWaits, isWanted } from "./Entry.js"
import { HealingEvent } from "./HealingEvent.js"
import type { QueueHolds } from "./QueueHolds.js"
import type { HealError, Review } from "./Review.js"
import { died, logDeath } from "./ReviewDeath.js"

type HealingRequest = Request.HealingRequest

/**
 * What the parts of the queue share.
 *
 * - `pendingOf`, `runningOf`: of each job at most one (R14); those whose insertion is being written included.
 * - `onEnd`: one more has ended for good.
 * - `reportBug`: what could not be written, though nothing was wrong with the store, is worth a person's attention.
 *
 * @internal
 */
export interface Desk {
  readonly settings: HealingSettings
  readonly gate: Gate
  readonly entries: Entries
  readonly holds: QueueHolds
  readonly journal: BatchWriter
  readonly cooldowns: Cooldowns
  readonly pendingOf: Map<string, Entry>
  readonly runningOf: Map<string, Entry>
  readonly wall: () => number
  readonly publish: (event: HealingEvent) => void
  readonly onEnd: () => void
  readonly reportBug: (error: HealingStoreError | undefined) => void
  readonly isClosed: () => boolean
}

/**
 * - `owner`: to whom the entries belong.
 * - `finishWithout`: ends one that is pending, without a review.
 * - `stop`: interrupts the review of one that runs; the effect waits for the end of that.
 *
 * @internal
 */
export interface Turns {
  readonly owner: Ticket.Owner<Entry>
  readonly finishWithout: (entry: Entry, state: "cancelled" | "skipped", reason: string) => void
  readonly stop: (entry: Entry, why: "cancelled" | "closed") => Effect.Effect<void>
}

const MISFIT = "its report does not fit: it should have a summary of 1 to 20,000 characters"

/** @internal */
export const CANCELLED = "it was cancelled"

/** @internal */
export const queueStateChange = (state: QueueState): Change => ({ _tag: "QueueState", state })

/**
 * `fork` starts a turn: later, and uninterruptibly from before its first op, since nobody else gives the turn back.
 *
 * @internal
 */
export const make = (
  desk: Desk,
  reviewer: Context.Tag.Service<Reviewer>,
  retries: Backoff.RetrySchedule,
  fork: (turn: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
): Turns => {
  const { cooldowns, entries, gate, holds, journal, onEnd, pendingOf, publish, reportBug, runningOf, settings, wall } =
    desk

  /** It has ended as this, with this for those who wait. What else changes with it is written with it. */
  const finish = (
    entry: Entry,
    request: HealingRequest,
    outcome: Effect.Effect<Review, HealError>,
    others: () => ReadonlyArray<Change> = () => []
  ) => {
    const isRunning = runningOf.get(entry.job) === entry
    if (isRunning) {
      runningOf.delete(entry.job)
      const next = pendingOf.get(entry.job)
      if (next !== undefined) entries.update(next, next.request)
    } else pendingOf.delete(entry.job)
    entry.request = request
    gate.leave(entry)
    const ended = () => (entry.lost === undefined ? [transition(isRunning ? "running" : "pending", request)] : [])
    journal.record(() => [...ended(), ...others()], {
      failed: (error) => {
        for (const caller of entry.callers ?? []) if (caller.impatient) answer(caller, Effect.fail(error))
      },
      done: (error) => {
        reportBug(error)
        if (error === undefined && entry.lost === undefined) publish(HealingEvent.Ended({ at: wall(), request }))
        answerAll(entry, error === undefined ? outcome : Effect.fail(error))
        onEnd()
      }
    })
  }

  const finishWithout = (entry: Entry, state: "cancelled" | "skipped", reason: string) => {
    const { id, job } = entry.request
    const error = state === "cancelled" ? new HealingCancelled({ id, job }) : new HealingSkipped({ id, job, reason })
    finish(entry, Request.end(entry.request, state, wall(), reason), Effect.fail(error))
  }

  const complete = (entry: Entry, report: Report) => {
    const at = wall()
    const request = Request.complete(entry.request, at, report)
    cooldowns.start(entry.job, at)
    const next = pendingOf.get(entry.job)
    const notBefore = cooldowns.endOf(entry.job, at, next?.request.cooldown ?? null)
    const cooling =
      next !== undefined && notBefore !== null && Request.isAutomatic(next.request)
        ? { ...next.request, notBefore }
        : undefined
    if (next !== undefined && cooling !== undefined) {
      entries.update(next, cooling)
      next.written = { ...next.written, notBefore: cooling.notBefore }
    }
    const limited = holds.state()
    const unlimited = limited.rateLimits > 0 ? holds.remember({ ...limited, rateLimits: 0 }) : undefined
    const { attempts, id, job, runId, starts } = request
    finish(
      entry,
      request,
      Effect.succeed({ id, job, runId, startedAt: starts.at(-1) ?? at, endedAt: at, attempts, report }),
      () => [
        ...(cooling === undefined || next?.lost !== undefined ? [] : [transition("pending", cooling)]),
        ...(unlimited === undefined ? [] : [queueStateChange(unlimited)])
      ]
    )
  }

  // -------------------------------------------------------------------------
  // Turns
  // -------------------------------------------------------------------------

  /** In line again, at its old place. */
  const waitAgain = (entry: Entry, request: HealingRequest) => {
    runningOf.delete(entry.job)
    pendingOf.set(entry.job, entry)
    entry.ending = undefined
    entries.update(entry, request)
    if (desk.isClosed()) gate.leave(entry)
    else gate.giveTurnBack(entry)
  }

  /** From running to pending again, together with the pending one that has come meanwhile (R14). */
  const backToPending = (
    entry: Entry,
    request: HealingRequest,
    event: (request: HealingRequest) => HealingEvent,
    others: ReadonlyArray<Change> = []
  ) => {
    const newer = pendingOf.get(entry.job)
    const [merged, gone] = newer === undefined ? [request] : Request.merge(request, newer.request, wall())
    if (newer !== undefined) {
      gate.leave(newer)
      for (const caller of newer.callers ?? []) entries.attach(entry, caller)
      newer.callers = undefined
    }
    // Its own max wait has ended with its turn.
    entry.overdue = newer?.overdue === true
    waitAgain(entry, merged)
    entry.written = merged
    const coalesced = () => (gone === undefined || newer?.lost !== undefined ? [] : [gone])
    journal.record(
      () => [...coalesced().map((gone) => transition("pending", gone)), transition("running", merged), ...others],
      {
        done: (error) => {
          reportBug(error)
          if (error !== undefined) return
          for (const request of coalesced()) publish(HealingEvent.Ended({ at: wall(), request }))
          publish(event(merged))
        }
      }
    )
  }

  const givenBack = (request: HealingRequest) => HealingEvent.GivenBack({ at: wall(), request })

  /** One that came when the one before it was about to run, which then could not: it cannot be pending beside that. */
  const forsake = (job: string, error: HealingStoreError) => {
    const newer = pendingOf.get(job)
    if (newer === undefined) return
    newer.lost = error
    pendingOf.delete(job)
    gate.leave(newer)
    answerAll(newer, Effect.fail(error))
  }

  const rateLimited = (entry: Entry, until: number | undefined) => {
    const state = holds.remember(holds.limitRate(until))
    backToPending(entry, Request.giveBack(entry.request), givenBack, [queueStateChange(state)])
    publish(HealingEvent.RateLimited({ at: wall(), until: state.rateLimitedUntil ?? wall() }))
  }

  const failed = (entry: Entry, error: ReviewError, delay: Option.Option<number>) => {
    const { request } = entry
    if (error.retry._tag === "RateLimited") return rateLimited(entry, error.retry.until)
    if (error.retry._tag === "Backoff" && Option.isSome(delay) && request.attempts + 1 < settings.maxAttempts) {
      const { reason } = error
      return backToPending(entry, Request.retry(request, Request.instant(wall() + delay.value)), (request) =>
        HealingEvent.Retrying({ at: wall(), request, reason })
      )
    }
    return finish(entry, Request.fail(request, wall(), error.reason), Effect.fail(error))
  }

  /** `before` is what it was before its turn. */
  const settle = (entry: Entry, before: HealingRequest, outcome: Outcome) => {
    const { ending } = entry
    const begun = entry.stage === "reviewing"
    entry.fiber = undefined
    if (!begun && Request.isAutomatic(before)) holds.undo()
    if (outcome._tag === "Completed") return complete(entry, outcome.report)
    if (outcome._tag === "Skipped") {
      // Nothing was spent on it.
      if (begun && Request.isAutomatic(before)) holds.undo(entry.request.starts.at(-1))
      entry.request = Request.needless(entry.request)
      return finishWithout(entry, "skipped", outcome.reason)
    }
    if (outcome._tag === "Refused") return refused(entry, before, outcome.error)
    if (ending === "cancelled") return finishWithout(entry, "cancelled", CANCELLED)
    if (outcome._tag === "Failed" && ending !== "closed") return failed(entry, outcome.error, outcome.delay)
    return backToPending(entry, begun ? Request.giveBack(entry.request) : before, givenBack)
  }

  /** It never became running, since that could not be written. */
  const refused = (entry: Entry, before: HealingRequest, error: HealingStoreError) => {
    if (error.reason === "UnexpectedState") {
      reportBug(error)
      entry.lost = error
      runningOf.delete(entry.job)
      gate.leave(entry)
      answerAll(entry, Effect.fail(error))
      return
    }
    const { ending } = entry
    holds.refuse(error)
    forsake(entry.job, error)
    waitAgain(entry, before)
    if (ending === "cancelled") finishWithout(entry, "cancelled", CANCELLED)
  }

  const failureOf = ({ ending, job }: Entry, cause: Cause.Cause<unknown>): ReviewError => {
    if (ending === "timedOut") {
      const reason = `no answer within ${Duration.format(settings.reviewTimeout)}`
      return new ReviewError({ job, reason, retry: { _tag: "Backoff" } })
    }
    const error = Option.getOrUndefined(Cause.failureOption(cause))
    return error instanceof ReviewError ? error : died(job, cause)
  }

  /** What a turn has come to. Nothing that others have made, a logger or a schedule, is to keep it from its end. */
  const outcomeOf = (
    entry: Entry,
    exit: Exit.Exit<Reviewed | typeof Turn.givenBack, ReviewError | Refused>
  ): Effect.Effect<Outcome> => {
    if (Exit.isSuccess(exit)) return Effect.succeed(exit.value === Turn.givenBack ? { _tag: "GivenBack" } : exit.value)
    const refused = Option.filter(Cause.failureOption(exit.cause), (error) => error instanceof Refused)
    if (Option.isSome(refused)) return Effect.succeed(refused.value)
    const error = failureOf(entry, exit.cause)
    return Effect.zipWith(
      Cause.isDie(exit.cause) ? logDeath(error, exit.cause) : Effect.void,
      Backoff.delayAfter(retries, entry.request.attempts + 1, error, wall()),
      (_, delay) => ({ _tag: "Failed" as const, error, delay })
    ).pipe(Effect.catchAllCause(() => Effect.succeed({ _tag: "Failed" as const, error, delay: Option.none() })))
  }

  /**
   * It is running from now on. The effect ends when that is on disk, before the review begins, so that nobody takes it
   * for one that has not (R13).
   */
  const begin = (entry: Entry): Effect.Effect<void, HealingStoreError> => {
    const running = Request.begin(entry.request, wall())
    pendingOf.delete(entry.job)
    runningOf.set(entry.job, entry)
    entry.request = running
    return journal.write(
      () => [transition("pending", running)],
      (error) => {
        if (error !== undefined && error.reason !== "UnexpectedState") forsake(entry.job, error)
      }
    )
  }

  /** To be run uninterruptibly. */
  const turn = (
    entry: Entry,
    before: HealingRequest,
    prepared: Effect.Effect<void, HealingStoreError>
  ): Effect.Effect<void> => {
    const review = Effect.filterOrFail(
      Effect.suspend(() => reviewer.review(entry.request)),
      isReviewed,
      () => new ReviewError({ job: entry.job, reason: MISFIT, retry: { _tag: "Backoff" } })
    )
    const begun = Effect.mapError(prepared, (error) => new Refused(error))
    return Effect.exit(gate.takeTurn(entry, Effect.interruptible, review, begun)).pipe(
      Effect.flatMap((exit) => outcomeOf(entry, exit)),
      Effect.map((outcome) => settle(entry, before, outcome))
    )
  }

  const owner: Ticket.Owner<Entry> = {
    granted: (entry) => {
      const before = entry.request
      if (Request.isAutomatic(before)) holds.begin(wall())
      // Here and not in the fiber, so that a wish that comes before that has run is written after it.
      const prepared = begin(entry)
      entry.fiber = fork(turn(entry, before, prepared))
    },
    begun: (entry) => {
      endWaits(entry)
      publish(HealingEvent.Started({ at: wall(), request: entry.request }))
    },
    deadlinePassed: (entry, at, heldBy, ahead) => {
      const timeout = (calledAt: number) =>
        new HealingTimeout({ job: entry.job, waited: Duration.millis(Math.round(at - calledAt)), heldBy, ahead })
      for (const caller of entry.callers ?? []) {
        if (caller.deadline > at) continue
        entry.callers?.delete(caller)
        answer(caller, Effect.fail(timeout(caller.calledAt)))
      }
      if (entry.waitDeadline <= at) entry.waitDeadline = Number.NEGATIVE_INFINITY
      if (isWanted(entry)) return deadlineOf(entry)
      finishWithout(entry, "skipped", timeout(entry.calledAt).message)
      return undefined
    },
    timedOut: (entry) => {
      entry.ending ??= "timedOut"
      entry.fiber?.unsafeInterruptAsFork(FiberId.none)
    },
    closed: (entry) => answerAll(entry, Effect.fail(new HealingClosed({ job: entry.job })))
  }

  /** Interrupts its review; the effect waits for the end of that. */
  const stop = (entry: Entry, why: "cancelled" | "closed"): Effect.Effect<void> => {
    if (entry.ending === undefined || entry.ending === "timedOut") entry.ending = why
    if (entry.fiber === undefined) return Effect.void
    entry.fiber.unsafeInterruptAsFork(FiberId.none)
    return Effect.asVoid(Fiber.await(entry.fiber))
  }

  return { owner, finishWithout, stop }
}

/** The beginning of a review could not be written. */
class Refused {
  readonly _tag = "Refused"
  constructor(readonly error: HealingStoreError) {}
}

type Outcome =
  | Reviewed
  | Refused
  | { readonly _tag: "GivenBack" }
  | { readonly _tag: "Failed"; readonly error: ReviewError; readonly delay: Option.Option<number> }
