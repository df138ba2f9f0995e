/**
 * The mechanism behind `HealingQueue`. What is pending or running is in memory, and every decision is made there, in one
 * synchronous step that also gives the journal what to write; so the order of the writes is that of the decisions.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as PubSub from "effect/PubSub"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { DailyLimit } from "./DailyLimit.js"
import * as Gate from "./Gate.js"
import { HealingConfig } from "./HealingConfig.js"
import {
  HealingCancelled,
  HealingClosed,
  HealingQueueFull,
  HealingSkipped,
  HealingStoreError,
  HealingTimeout,
  type HeldBy,
  ReviewError
} from "./HealingError.js"
import { HealingEvent } from "./HealingEvent.js"
import type { HealError, HealingQueue, Review } from "./HealingQueue.js"
import * as Request from "./HealingRequest.js"
import { gateOf, HealingService } from "./HealingService.js"
import { type Change, HealingStore, type Page, type QueueState } from "./HealingStore.js"
import { decodeHistory, decodeTarget, decodeWish, type HealingWish, Submission } from "./HealingWish.js"
import * as Journal from "./Journal.js"
import type { Lane } from "./Lane.js"
import { byTurn } from "./Line.js"
import * as Mark from "./Mark.js"
import { type Reviewed, Reviewer } from "./Reviewer.js"

type HealingRequest = Request.HealingRequest

/** One who waits for the end of a request, in `heal` or `cancel`. */
interface Caller {
  readonly calledAt: number
  /** The monotonic instant after which it waits no longer, unless the request has had its turn by then. */
  deadline: number
  entry: Entry
  outcome: Effect.Effect<Review, HealError> | undefined
  resume: ((outcome: Effect.Effect<Review, HealError>) => void) | undefined
  /** Whether it would rather hear that the end cannot be written than wait until it can. */
  readonly impatient: boolean
}

/** A request that is pending or running. */
interface Entry extends Gate.Ticket {
  request: HealingRequest
  /** The monotonic instant of `waitUntil`. */
  waitDeadline: number
  callers: Set<Caller> | undefined
  /** Why it was never written. */
  lost: HealingStoreError | undefined
  turn: Fiber.RuntimeFiber<void> | undefined
  /** Why its review is being interrupted. */
  ending: "cancelled" | "closed" | undefined
}

const PAGE = 1000

const HOUR = Duration.toMillis("1 hour")

const DAY = Duration.toMillis("1 day")

const FIRST_LIMIT = Duration.toMillis("1 minute")

const MAX_EVENTS = 1024

const PRUNED_AT_ONCE = 100

const closedError = new HealingStoreError({ reason: "Closed", detail: "The queue of healing requests is closed" })

/** @internal */
export const retrySchedule: Schedule.Schedule<unknown, ReviewError> = Schedule.exponential("30 seconds")

const transition = (from: Request.RequestState | null, to: HealingRequest): Change => ({ _tag: "Transition", from, to })

/** @internal */
export const make = (
  retries: Schedule.Schedule<unknown, ReviewError>
): Effect.Effect<
  Context.Tag.Service<HealingQueue>,
  HealingStoreError,
  HealingService | HealingStore | Reviewer | HealingConfig | Scope.Scope
> =>
  Effect.gen(function* () {
    const settings = yield* HealingConfig
    const service = yield* HealingService
    const gate = gateOf(service)
    if (gate === undefined)
      return yield* Effect.dieMessage("HealingQueue needs the HealingService of HealingService.layer")
    const store = yield* HealingStore
    const reviewer = yield* Reviewer
    const clock = yield* Effect.clock
    const runtime = yield* Effect.runtime<never>()
    const uninterruptible = Runtime.disableRuntimeFlag(runtime, RuntimeFlags.Interruption)
    const events = yield* PubSub.sliding<HealingEvent>(MAX_EVENTS)
    const cooldown = Duration.toMillis(settings.cooldown)

    const manual = gate.makeLane()
    const automatic = gate.makeLane()
    const day = new DailyLimit(settings.maxReviewsPerDay)
    /** Of each job at most one (R14); those whose insertion is being written included. */
    const pendingOf = new Map<string, Entry>()
    const runningOf = new Map<string, Entry>()
    /** When the last review of a job was completed, the oldest first, as long as its cool-down may matter. */
    const completedAt = new Map<string, number>()
    const tidy = yield* Effect.makeLatch(true)
    let queueState: QueueState = { paused: false, rateLimitedUntil: null, rateLimits: 0 }
    let lastNumber = 0
    /** How many beginnings in a row could not be written. */
    let refusals = 0
    let failing = false
    let closed = false

    const wall = () => clock.unsafeCurrentTimeMillis()
    const toMonotonic = (at: number | null): number =>
      at === null ? Number.POSITIVE_INFINITY : gate.now() + (at - wall())
    const publish = (event: HealingEvent) => {
      events.unsafeOffer(event)
    }
    const ended = (request: HealingRequest) => publish(HealingEvent.Ended({ at: wall(), request }))

    // -------------------------------------------------------------------------
    // What holds the lanes
    // -------------------------------------------------------------------------

    const holdAll = (name: string, until: number | undefined, heldBy: (remaining: Duration.Duration) => HeldBy) => {
      for (const lane of [manual, automatic]) gate.hold(lane, name, until === undefined ? undefined : { until, heldBy })
    }

    const holdForState = ({ paused, rateLimitedUntil }: QueueState) => {
      holdAll("pause", paused ? Number.POSITIVE_INFINITY : undefined, () => ({ _tag: "Paused" }))
      const until = rateLimitedUntil === null ? undefined : gate.now() + Math.min(rateLimitedUntil - wall(), DAY)
      holdAll("rate limit", until, (remaining) => ({ _tag: "RateLimited", remaining }))
    }

    const holdForDay = () => {
      const until = day.fullUntil(wall())
      gate.hold(
        automatic,
        "day",
        until === undefined
          ? undefined
          : { until: toMonotonic(until), heldBy: (remaining) => ({ _tag: "DailyLimit", remaining }) }
      )
    }

    const holdForStore = (name: string, until: number | undefined, error: HealingStoreError | undefined) =>
      holdAll(name, until, () => ({ _tag: "StoreFailing", reason: error?.detail ?? "" }))

    const onTrouble = (error: HealingStoreError | undefined) => {
      holdForStore("journal", error && Number.POSITIVE_INFINITY, error)
      if (error !== undefined && !failing) publish(HealingEvent.StoreFailing({ at: wall(), reason: error.detail }))
      if (error === undefined) publish(HealingEvent.StoreRecovered({ at: wall() }))
      failing = error !== undefined
    }

    const journal = yield* Journal.make(store, onTrouble)

    /** What could not be written for another reason than the state of the disk is worth a person's attention. */
    const reportBug = (error: HealingStoreError | undefined) => {
      if (error !== undefined) Runtime.runFork(runtime)(Effect.logFatal(error.detail), { immediate: false })
    }

    // -------------------------------------------------------------------------
    // Entries and their callers
    // -------------------------------------------------------------------------

    const laneOf = (request: HealingRequest): Lane<Gate.Ticket> => (Request.isAutomatic(request) ? automatic : manual)

    const makeEntry = (request: HealingRequest): Entry => {
      const calledAt = gate.now()
      const waitDeadline = toMonotonic(request.waitUntil)
      return {
        job: request.job,
        owner,
        lane: laneOf(request),
        priority: request.priority,
        place: gate.nextPlace(),
        notBefore: request.notBefore === null ? Number.NEGATIVE_INFINITY : toMonotonic(request.notBefore),
        deadline: request.callersOnly ? Number.POSITIVE_INFINITY : waitDeadline,
        overdue: false,
        calledAt,
        stage: "out",
        mark: undefined,
        waitingSince: calledAt,
        turnAt: calledAt,
        turns: 0,
        yields: 0,
        interruptible: undefined,
        started: 0,
        request,
        waitDeadline,
        callers: undefined,
        lost: undefined,
        turn: undefined,
        ending: undefined
      }
    }

    const deadlineOf = ({ callers, overdue, request, waitDeadline }: Entry): number => {
      if (overdue) return Number.POSITIVE_INFINITY
      let deadline = request.callersOnly ? Number.POSITIVE_INFINITY : waitDeadline
      for (const caller of callers ?? []) deadline = Math.min(deadline, caller.deadline)
      return deadline
    }

    /** The entry stands for this request from now on. */
    const update = (entry: Entry, request: HealingRequest) =>
      gate.rearrange(entry, () => {
        if (request.waitUntil !== entry.request.waitUntil) entry.waitDeadline = toMonotonic(request.waitUntil)
        entry.request = request
        entry.lane = laneOf(request)
        entry.priority = request.priority
        entry.notBefore = request.notBefore === null ? Number.NEGATIVE_INFINITY : toMonotonic(request.notBefore)
        entry.deadline = deadlineOf(entry)
      })

    const attach = (entry: Entry, caller: Caller) => {
      caller.entry = entry
      if (entry.callers === undefined) entry.callers = new Set()
      entry.callers.add(caller)
      gate.rearrange(entry, () => {
        entry.deadline = deadlineOf(entry)
      })
    }

    const isWanted = ({ callers, request }: Entry): boolean =>
      !request.callersOnly || (callers !== undefined && callers.size > 0)

    const answer = (caller: Caller, outcome: Effect.Effect<Review, HealError>) => {
      caller.outcome = outcome
      caller.resume?.(outcome)
      caller.resume = undefined
    }

    const answerAll = (entry: Entry, outcome: Effect.Effect<Review, HealError>) => {
      for (const caller of entry.callers ?? []) answer(caller, outcome)
      entry.callers = undefined
    }

    const awaitAnswer = (caller: Caller): Effect.Effect<Review, HealError> =>
      Effect.async((resume) => {
        if (caller.outcome === undefined) caller.resume = resume
        else resume(caller.outcome)
      })

    const makeCaller = (entry: Entry, maxWait: number, impatient: boolean): Caller => ({
      calledAt: gate.now(),
      deadline: gate.now() + maxWait,
      entry,
      outcome: undefined,
      resume: undefined,
      impatient
    })

    // -------------------------------------------------------------------------
    // Ends
    // -------------------------------------------------------------------------

    /** It has ended as this, for these callers. What else changes with it is written with it. */
    const finish = (
      entry: Entry,
      request: HealingRequest,
      outcome: Effect.Effect<Review, HealError>,
      others: () => ReadonlyArray<Change> = () => []
    ) => {
      const from = runningOf.get(entry.job) === entry ? "running" : "pending"
      const of = from === "running" ? runningOf : pendingOf
      if (of.get(entry.job) === entry) of.delete(entry.job)
      entry.request = request
      gate.leave(entry)
      journal.record(() => (entry.lost ? others() : [transition(from, request), ...others()]), {
        failed: (error) => {
          for (const caller of entry.callers ?? []) if (caller.impatient) answer(caller, Effect.fail(error))
        },
        done: (error) => {
          reportBug(error)
          if (error === undefined && entry.lost === undefined) ended(request)
          answerAll(entry, error === undefined ? outcome : Effect.fail(error))
          tidy.unsafeOpen()
        }
      })
    }

    const cancelled = (entry: Entry, reason: string) => {
      const { id, job } = entry.request
      finish(
        entry,
        Request.end(entry.request, "cancelled", wall(), reason),
        Effect.fail(new HealingCancelled({ id, job }))
      )
    }

    const skipped = (entry: Entry, reason: string) => {
      const { id, job } = entry.request
      finish(
        entry,
        Request.end(entry.request, "skipped", wall(), reason),
        Effect.fail(new HealingSkipped({ id, job, reason }))
      )
    }

    const completed = (entry: Entry, report: Request.Report) => {
      const at = wall()
      const request = Request.complete(entry.request, at, report)
      completedAt.delete(entry.job)
      completedAt.set(entry.job, at)
      const next = pendingOf.get(entry.job)
      const waits = next !== undefined && cooldown > 0 && Request.isAutomatic(next.request)
      const waiting = waits ? { ...next.request, notBefore: at + cooldown } : undefined
      if (waits && waiting !== undefined) update(next, waiting)
      const unlimited = queueState.rateLimits > 0 ? { ...queueState, rateLimits: 0 } : undefined
      if (unlimited !== undefined) queueState = unlimited
      finish(
        entry,
        request,
        Effect.succeed({
          id: request.id,
          job: request.job,
          runId: request.runId,
          startedAt: request.starts.at(-1) ?? at,
          endedAt: at,
          attempts: request.attempts,
          report
        }),
        () => [
          ...(waiting === undefined || next?.lost !== undefined ? [] : [transition("pending", waiting)]),
          ...(unlimited === undefined ? [] : [queueStateChange(unlimited)])
        ]
      )
    }

    const queueStateChange = (state: QueueState): Change => ({ _tag: "QueueState", state })

    // -------------------------------------------------------------------------
    // Turns
    // -------------------------------------------------------------------------

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
        for (const caller of newer.callers ?? []) attach(entry, caller)
        newer.callers = undefined
      }
      runningOf.delete(entry.job)
      pendingOf.set(entry.job, entry)
      entry.ending = undefined
      update(entry, merged)
      journal.record(
        () => [
          ...(gone === undefined || newer?.lost !== undefined ? [] : [transition("pending", gone)]),
          transition("running", merged),
          ...others
        ],
        {
          done: (error) => {
            reportBug(error)
            if (error !== undefined) return
            if (gone !== undefined && newer?.lost === undefined) ended(gone)
            publish(event(merged))
          }
        }
      )
      if (closed) gate.leave(entry)
      else gate.giveTurnBack(entry)
    }

    const givenBack = (request: HealingRequest) => HealingEvent.GivenBack({ at: wall(), request })

    /** A request that came when the one before it was about to run, which that could not: it cannot be pending as well. */
    const forsake = (job: string, error: HealingStoreError) => {
      const newer = pendingOf.get(job)
      if (newer === undefined) return
      newer.lost = error
      pendingOf.delete(job)
      gate.leave(newer)
      answerAll(newer, Effect.fail(error))
    }

    /** It never became running, since that could not be written. */
    const refused = (entry: Entry, before: HealingRequest, error: HealingStoreError) => {
      const delay = Math.min(1000 * 2 ** Math.min(refusals++, 6), 60_000)
      if (!failing) publish(HealingEvent.StoreFailing({ at: wall(), reason: error.detail }))
      holdForStore("beginning", gate.now() + delay, error)
      forsake(entry.job, error)
      runningOf.delete(entry.job)
      pendingOf.set(entry.job, entry)
      update(entry, before)
      if (closed) gate.leave(entry)
      else gate.giveTurnBack(entry)
    }

    const rateLimited = (entry: Entry, until: number | undefined) => {
      const at = wall()
      const growing = Math.min(FIRST_LIMIT * 2 ** Math.min(queueState.rateLimits, 6), HOUR)
      const end = Math.min(Math.max(until ?? at + growing, at), at + DAY)
      queueState = { ...queueState, rateLimitedUntil: end, rateLimits: queueState.rateLimits + 1 }
      holdForState(queueState)
      backToPending(entry, Request.giveBack(entry.request), givenBack, [queueStateChange(queueState)])
      publish(HealingEvent.RateLimited({ at, until: end }))
    }

    const failed = (entry: Entry, error: ReviewError, delay: Option.Option<number>) => {
      const { request } = entry
      if (error.retry._tag === "RateLimited") return rateLimited(entry, error.retry.until)
      if (error.retry._tag === "Backoff" && Option.isSome(delay) && request.attempts + 1 < settings.maxAttempts) {
        const { reason } = error
        return backToPending(entry, Request.retry(request, wall() + delay.value), (request) =>
          HealingEvent.Retrying({ at: wall(), request, reason })
        )
      }
      return finish(entry, Request.fail(request, wall(), error.reason), Effect.fail(error))
    }

    const settle = (
      entry: Entry,
      before: HealingRequest,
      exit: Exit.Exit<Reviewed | typeof Gate.givenBack, ReviewError | HealingStoreError>,
      delay: Option.Option<number>
    ) => {
      entry.turn = undefined
      const begun = entry.stage === "reviewing"
      if (!begun && Request.isAutomatic(before)) {
        day.undo()
        holdForDay()
      }
      if (Exit.isSuccess(exit) && exit.value !== Gate.givenBack) {
        return exit.value._tag === "Completed" ? completed(entry, exit.value.report) : skipped(entry, exit.value.reason)
      }
      const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
      if (error instanceof HealingStoreError) {
        refused(entry, before, error)
        return entry.ending === "cancelled" ? cancelled(entry, "it was cancelled") : undefined
      }
      if (entry.ending === "cancelled") return cancelled(entry, "it was cancelled")
      if (entry.ending === "closed" || Exit.isSuccess(exit)) {
        return backToPending(entry, begun ? Request.giveBack(entry.request) : before, givenBack)
      }
      return failed(entry, error ?? died(entry.job, exit.cause), delay)
    }

    /** How long to wait for the next try, if there is to be one. */
    const delayAfter = (error: ReviewError, attempts: number): Effect.Effect<Option.Option<number>> =>
      Effect.gen(function* () {
        let now = wall()
        let state = retries.initial
        let delay = Option.none<number>()
        for (let attempt = 0; attempt < attempts; attempt++) {
          const [next, , decision] = yield* retries.step(now, error, state)
          if (ScheduleDecision.isDone(decision)) return Option.none()
          const start = ScheduleIntervals.start(decision.intervals)
          delay = Option.some(Math.max(start - now, 0))
          state = next
          now = Math.max(start, now)
        }
        return delay
      })

    const delayOf = (
      entry: Entry,
      exit: Exit.Exit<unknown, ReviewError | HealingStoreError>
    ): Effect.Effect<Option.Option<number>> => {
      if (Exit.isSuccess(exit) || entry.ending !== undefined) return Effect.succeedNone
      const error = Option.getOrElse(Cause.failureOption(exit.cause), () => died(entry.job, exit.cause))
      return error instanceof ReviewError ? delayAfter(error, entry.request.attempts + 1) : Effect.succeedNone
    }

    const review = (entry: Entry): Effect.Effect<Reviewed, ReviewError> => {
      const done = Effect.suspend(() => reviewer.review(entry.request))
      return Duration.isFinite(settings.reviewTimeout)
        ? Effect.timeoutFail(done, {
            duration: settings.reviewTimeout,
            onTimeout: () =>
              new ReviewError({
                job: entry.job,
                reason: `no answer within ${Duration.format(settings.reviewTimeout)}`,
                retry: { _tag: "Backoff" }
              })
          })
        : done
    }

    /** On disk before the review begins, so that nobody takes it for one that has not (R13). */
    const prepared = (entry: Entry): Effect.Effect<void, HealingStoreError> =>
      Effect.suspend(() => {
        const running = Request.begin(entry.request, wall())
        entry.request = running
        return journal.write(
          () => [transition("pending", running)],
          (error) => {
            if (error !== undefined) return forsake(entry.job, error)
            if (refusals === 0) return
            refusals = 0
            holdForStore("beginning", undefined, undefined)
            if (!failing) publish(HealingEvent.StoreRecovered({ at: wall() }))
          }
        )
      })

    /** To be run uninterruptibly. */
    const turn = (entry: Entry): Effect.Effect<void> =>
      Effect.suspend(() => {
        const before = entry.request
        return gate.takeTurn(entry, Effect.interruptible, review(entry), prepared(entry)).pipe(
          Effect.exit,
          Effect.tap((exit) => (isDeath(exit) ? Effect.logError("A review has died", exit.cause) : Effect.void)),
          Effect.flatMap((exit) => Effect.map(delayOf(entry, exit), (delay) => settle(entry, before, exit, delay)))
        )
      })

    const owner: Gate.Owner<Entry> = {
      granted: (entry) => {
        pendingOf.delete(entry.job)
        runningOf.set(entry.job, entry)
        if (Request.isAutomatic(entry.request)) {
          day.begin(wall())
          holdForDay()
        }
        // Uninterruptible from before its first op, since nobody else gives the turn back.
        entry.turn = Runtime.runFork(uninterruptible)(Mark.cleared(turn(entry)), { immediate: false })
      },
      begun: (entry) => {
        entry.waitDeadline = Number.POSITIVE_INFINITY
        for (const caller of entry.callers ?? []) caller.deadline = Number.POSITIVE_INFINITY
        publish(HealingEvent.Started({ at: wall(), request: entry.request }))
      },
      overstayed: (entry, at, heldBy, ahead) => {
        const timeout = (calledAt: number) =>
          new HealingTimeout({ job: entry.job, waited: Duration.millis(Math.round(at - calledAt)), heldBy, ahead })
        for (const caller of entry.callers ?? []) {
          if (caller.deadline > at) continue
          entry.callers?.delete(caller)
          answer(caller, Effect.fail(timeout(caller.calledAt)))
        }
        const submitted = !entry.request.callersOnly && entry.waitDeadline > at
        if (submitted || (entry.callers !== undefined && entry.callers.size > 0)) {
          // Those who are left have their own deadlines.
          if (entry.waitDeadline <= at) entry.waitDeadline = Number.POSITIVE_INFINITY
          return deadlineOf(entry)
        }
        skipped(entry, timeout(entry.calledAt).message)
        return undefined
      },
      closed: (entry) => answerAll(entry, Effect.fail(new HealingClosed({ job: entry.job })))
    }

    // -------------------------------------------------------------------------
    // Wishes
    // -------------------------------------------------------------------------

    const notBeforeOf = (job: string, at: number): number | null => {
      const last = completedAt.get(job)
      // A clock that was set back is not to prolong it.
      const until = last === undefined ? at : Math.min(last, at) + cooldown
      return until > at ? until : null
    }

    interface Placed {
      readonly entry: Entry
      readonly written: Effect.Effect<Submission, HealingStoreError>
    }

    const place = (wish: Request.Wish): Either.Either<Placed, HealingQueueFull | HealingStoreError> => {
      if (closed) return Either.left(closedError)
      const pending = pendingOf.get(wish.job)
      if (pending !== undefined) return Either.right(join(pending, wish))
      if (pendingOf.size >= settings.maxPending) {
        return Either.left(new HealingQueueFull({ job: wish.job, maxPending: settings.maxPending }))
      }
      const at = wall()
      const isAutomatic = wish.trigger !== "manual"
      const request = Request.accept(++lastNumber, wish, at, isAutomatic ? notBeforeOf(wish.job, at) : null)
      const entry = makeEntry(request)
      pendingOf.set(wish.job, entry)
      const written = journal.write(
        () => (entry.lost === undefined ? [transition(null, request)] : []),
        (failure) => {
          const error = failure ?? entry.lost
          const isPending = pendingOf.get(wish.job) === entry
          if (error === undefined) {
            publish(HealingEvent.Submitted({ at: wall(), request }))
            if (isPending && !closed) gate.enter(entry)
            return
          }
          if (failure?.reason === "UnexpectedState") reportBug(failure)
          entry.lost = error
          if (isPending) pendingOf.delete(wish.job)
          answerAll(entry, Effect.fail(error))
        }
      )
      const notBefore = request.notBefore ?? (isAutomatic ? (day.fullUntil(at) ?? null) : null)
      const submission = Submission.Accepted({ id: request.id, notBefore })
      return Either.right({ entry, written: unlessLost(entry, written, submission) })
    }

    const unlessLost = (entry: Entry, written: Effect.Effect<void, HealingStoreError>, submission: Submission) =>
      Effect.flatMap(written, () => (entry.lost === undefined ? Effect.succeed(submission) : Effect.fail(entry.lost)))

    const join = (entry: Entry, wish: Request.Wish): Placed => {
      const request = Request.coalesce(entry.request, wish)
      update(entry, request)
      const written = journal.write(
        () => (entry.lost === undefined ? [transition("pending", request)] : []),
        (error) => {
          if (error === undefined && entry.lost === undefined) publish(HealingEvent.Coalesced({ at: wall(), request }))
        }
      )
      return { entry, written: unlessLost(entry, written, Submission.Coalesced({ id: request.id })) }
    }

    const priorityOf = (trigger: string): number =>
      settings.priority - (trigger === "manual" ? 0 : trigger === "schedule" ? 20 : 10)

    /** The wish, and how long it says that it may wait, in milliseconds. */
    const decode = (input: HealingWish) =>
      Effect.map(decodeWish(input), ({ job, maxWait, note, priority, runId, trigger = "manual" }) => ({
        maxWait: maxWait && Duration.toMillis(maxWait),
        wish: {
          job,
          trigger,
          priority: priority ?? priorityOf(trigger),
          runId: runId ?? null,
          note: note ?? null
        }
      }))

    const submit: Context.Tag.Service<HealingQueue>["submit"] = (input) =>
      Effect.flatMap(decode(input), ({ maxWait = Number.POSITIVE_INFINITY, wish }) =>
        Effect.uninterruptible(
          Effect.suspend(() => {
            const waitUntil = Number.isFinite(maxWait) ? Math.round(wall() + maxWait) : null
            return Either.match(place({ ...wish, callersOnly: false, waitUntil }), {
              onLeft: Effect.fail,
              onRight: ({ written }) => written
            })
          })
        )
      )

    /** One who waited has gone. */
    const detach = (caller: Caller): Effect.Effect<void> =>
      Effect.suspend(() => {
        const { entry } = caller
        if (caller.outcome !== undefined || entry.callers?.delete(caller) !== true) return Effect.void
        if (isWanted(entry)) {
          update(entry, entry.request)
          return Effect.void
        }
        if (runningOf.get(entry.job) === entry) return Effect.asVoid(stop(entry, "cancelled"))
        cancelled(entry, "nobody waits for it any more")
        return Effect.void
      })

    /** Interrupts its review, and waits for the end of that. */
    const stop = (entry: Entry, why: "cancelled" | "closed"): Effect.Effect<void> =>
      Effect.suspend(() => {
        entry.ending ??= why
        return entry.turn === undefined ? Effect.void : Effect.asVoid(Fiber.interrupt(entry.turn))
      })

    const heal: Context.Tag.Service<HealingQueue>["heal"] = (input) =>
      Effect.flatMap(decode(input), ({ maxWait = Duration.toMillis(settings.maxWait), wish }) =>
        Effect.flatMap(gate.deadlock(wish.job), (deadlock) =>
          deadlock !== undefined
            ? Effect.fail(deadlock)
            : Effect.uninterruptibleMask((restore) =>
                Effect.suspend((): Effect.Effect<Review, HealError> => {
                  const placed = place({ ...wish, callersOnly: true, waitUntil: null })
                  if (Either.isLeft(placed)) return Effect.fail(placed.left)
                  const caller = makeCaller(placed.right.entry, maxWait, false)
                  attach(placed.right.entry, caller)
                  return Effect.onInterrupt(restore(awaitAnswer(caller)), () => detach(caller))
                })
              )
        )
      )

    const cancel: Context.Tag.Service<HealingQueue>["cancel"] = (input) =>
      Effect.flatMap(decodeTarget(input), (target) =>
        Effect.suspend(() => {
          const job = "job" in target ? target.job : jobOf(target.id)
          const entries = [pendingOf.get(job), runningOf.get(job)].filter(
            (entry) => entry !== undefined && ("job" in target || entry.request.id === target.id)
          )
          const waits = entries.filter(Predicate.isNotUndefined).map((entry) => {
            const caller = makeCaller(entry, Number.POSITIVE_INFINITY, true)
            attach(entry, caller)
            const stopped = runningOf.get(job) === entry ? stop(entry, "cancelled") : Effect.void
            if (runningOf.get(job) !== entry) cancelled(entry, "it was cancelled")
            return Effect.zipRight(stopped, ifCancelled(caller))
          })
          return Effect.map(Effect.all(waits), Arr.getSomes)
        })
      )

    const ifCancelled = (caller: Caller): Effect.Effect<Option.Option<HealingRequest>, HealingStoreError> =>
      Effect.matchEffect(awaitAnswer(caller), {
        onSuccess: () => Effect.succeedNone,
        onFailure: (error) => {
          const { request } = caller.entry
          if (error instanceof HealingStoreError) return Effect.fail(error)
          return Effect.succeed(request.state === "cancelled" ? Option.some(request) : Option.none())
        }
      })

    const setQueueState = (state: QueueState, event: HealingEvent): Effect.Effect<void, HealingStoreError> =>
      Effect.suspend(() => {
        if (closed) return Effect.fail(closedError)
        const before = queueState
        queueState = state
        holdForState(state)
        return journal.write(
          () => [queueStateChange(state)],
          (error) => {
            if (error === undefined) return publish(event)
            if (queueState !== state) return
            queueState = before
            holdForState(before)
          }
        )
      }).pipe(Effect.uninterruptible)

    // -------------------------------------------------------------------------
    // Its life
    // -------------------------------------------------------------------------

    const reportSetAside = (setAside: Page["setAside"]) =>
      Effect.forEach(
        setAside,
        ({ number, reason }) => {
          publish(HealingEvent.SetAside({ at: wall(), number, reason }))
          return Effect.logWarning(`Request ${number} of the healing store was set aside: ${reason}`)
        },
        { discard: true }
      )

    const eachPage = (
      state: "pending" | "running",
      use: (request: HealingRequest) => Iterable<Change>
    ): Effect.Effect<void, HealingStoreError> => {
      const from = (number: number): Effect.Effect<void, HealingStoreError> =>
        Effect.gen(function* () {
          const { next, requests, setAside } = yield* store.page(state, number, PAGE)
          yield* reportSetAside(setAside)
          const changes = requests.flatMap((request) => Array.from(use(request)))
          if (changes.length > 0) yield* store.commit(changes)
          if (next !== undefined) yield* from(next)
        })
      return from(0)
    }

    /** What a request that was running when its process died becomes. */
    const afterDeath = (request: HealingRequest, at: number): HealingRequest =>
      request.callersOnly
        ? Request.end(request, "cancelled", at, "whoever waited for it is gone since the restart")
        : request.attempts + 1 < settings.maxAttempts
          ? Request.retry(request, null)
          : Request.fail(request, at, "its process died during the last of its attempts")

    /** What a request that was pending before the restart becomes. */
    const afterRestart = (request: HealingRequest, at: number): HealingRequest =>
      request.callersOnly
        ? Request.end(request, "cancelled", at, "whoever waited for it is gone since the restart")
        : request.waitUntil !== null && request.waitUntil <= at
          ? Request.end(request, "skipped", at, "it had no turn within its max wait, which ended during the restart")
          : request

    /** A clock that was set back is not to prolong what it waits for. */
    const withoutJump = (request: HealingRequest, at: number): Effect.Effect<HealingRequest> => {
      if (request.notBefore === null) return Effect.succeed(request)
      const error = new ReviewError({ job: request.job, reason: "", retry: { _tag: "Backoff" } })
      return Effect.map(delayAfter(error, request.attempts), (delay) => {
        const longest =
          at +
          Math.max(
            cooldown,
            Option.getOrElse(delay, () => 0)
          )
        return request.notBefore !== null && request.notBefore > longest ? { ...request, notBefore: longest } : request
      })
    }

    const replay = Effect.gen(function* () {
      const at = wall()
      const waiting = new Map<string, HealingRequest>()
      const cutOff: Array<HealingRequest> = []
      yield* eachPage("pending", (request) => {
        const now = afterRestart(request, at)
        if (now.state === "pending") waiting.set(now.job, now)
        return now === request ? [] : [transition("pending", now)]
      })
      yield* eachPage("running", (request) => {
        const now = afterDeath(request, at)
        cutOff.push(now)
        if (now.state !== "pending") return [transition("running", now)]
        const newer = waiting.get(now.job)
        const [merged, gone] = newer === undefined ? [now] : Request.merge(now, newer, at)
        waiting.set(now.job, merged)
        return [...(gone === undefined ? [] : [transition("pending", gone)]), transition("running", merged)]
      })
      yield* Effect.forEach(cutOff, ({ id, state }) =>
        Effect.logWarning(`The review of ${id} was cut off by the end of its process: it is ${state} now`)
      )
      const inOrder = cutOff.length === 0 ? waiting.values() : Array.from(waiting.values()).sort(byNumber)
      for (const request of inOrder) {
        const entry = makeEntry(request.notBefore === null ? request : yield* withoutJump(request, at))
        pendingOf.set(request.job, entry)
        gate.enter(entry)
      }
    })

    const open = Effect.gen(function* () {
      const at = wall()
      lastNumber = yield* store.lastNumber
      queueState = (yield* store.queueState) ?? queueState
      const starts = yield* store.automaticStartsSince(at - DAY, settings.maxReviewsPerDay)
      for (const start of Arr.reverse(starts)) day.begin(start)
      for (const [job, ended] of yield* store.completedSince(at - cooldown)) completedAt.set(job, ended)
      holdForState(queueState)
      holdForDay()
      yield* replay
    })

    const close = Effect.gen(function* () {
      closed = true
      const running = Array.from(runningOf.values())
      yield* Effect.forEach(running, (entry) => stop(entry, "closed"), { concurrency: "unbounded" })
      for (const entry of pendingOf.values()) {
        gate.leave(entry)
        answerAll(entry, Effect.fail(new HealingClosed({ job: entry.job })))
      }
      for (const lane of [manual, automatic]) gate.close(lane)
      yield* journal.flush
      yield* PubSub.shutdown(events)
    })

    /** In steps so small that nobody notices. */
    const prune: Effect.Effect<void, HealingStoreError> = Effect.suspend(() =>
      Effect.flatMap(store.prune(wall() - Duration.toMillis(settings.retention), PRUNED_AT_ONCE), (removed) =>
        removed < PRUNED_AT_ONCE ? Effect.void : Effect.zipRight(Effect.yieldNow(), prune)
      )
    )

    const prunes = Effect.forever(
      Effect.zipRight(
        tidy.await,
        Effect.suspend(() => {
          tidy.unsafeClose()
          // What stays for now is removed after the next request has ended.
          return Effect.ignoreLogged(Effect.uninterruptible(prune))
        })
      )
    )

    yield* open
    yield* Effect.addFinalizer(() => close)
    if (Duration.isFinite(settings.retention)) yield* Effect.forkScoped(prunes)

    return {
      submit,
      heal,
      cancel,
      pending: Effect.sync(() => {
        const waiting = Array.from(pendingOf.values()).filter(({ stage }) => stage === "waiting")
        const inOrder = waiting.sort((a, b) => a.notBefore - b.notBefore || byTurn(a, b))
        return [...runningOf.values(), ...inOrder].map(({ request }) => request)
      }),
      history: ({ before, ...options } = {}) =>
        Effect.flatMap(
          decodeHistory({ ...options, ...(before && { before: { endedAt: before.endedAt, number: before.number } }) }),
          store.history
        ),
      pause: Effect.suspend(() => setQueueState({ ...queueState, paused: true }, HealingEvent.Paused({ at: wall() }))),
      resume: Effect.suspend(() =>
        setQueueState({ paused: false, rateLimitedUntil: null, rateLimits: 0 }, HealingEvent.Resumed({ at: wall() }))
      ),
      events: Stream.fromPubSub(events)
    }
  })

const byNumber = (one: HealingRequest, other: HealingRequest): number => one.number - other.number

const jobOf = (id: string): string => id.slice(id.indexOf(":") + 1, id.lastIndexOf(":"))

const isDeath = (exit: Exit.Exit<unknown, unknown>): exit is Exit.Failure<unknown, unknown> =>
  Exit.isFailure(exit) && Cause.isDie(exit.cause)

/** Without the message, in which a defect may well name a secret. */
const died = (job: string, cause: Cause.Cause<unknown>): ReviewError => {
  const defect = Option.getOrUndefined(Cause.dieOption(cause))
  const what = defect instanceof Error ? `died of a ${defect.name}` : defect === undefined ? "was interrupted" : "died"
  return new ReviewError({ job, reason: `the review ${what}`, retry: { _tag: "Backoff" } })
}
