/**
 * The mechanism behind `HealingQueue`. What is pending or running is in memory, and every decision is made there, in one
 * synchronous step that also gives the journal what to write: so the order of the writes is that of the decisions.
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
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as Scope from "effect/Scope"
import * as Backoff from "./Backoff.js"
import * as Broadcast from "./Broadcast.js"
import {
  answer,
  answerAll,
  awaitAnswer,
  type Caller,
  deadlineOf,
  type Entry,
  endWaits,
  isWanted,
  make as makeEntries
} from "./Entry.js"
import * as Gate from "./Gate.js"
import { HealingConfig } from "./HealingConfig.js"
import {
  HealingCancelled,
  HealingClosed,
  HealingQueueFull,
  HealingSkipped,
  HealingStoreError,
  HealingTimeout,
  ReviewError
} from "./HealingError.js"
import { HealingEvent } from "./HealingEvent.js"
import type { HealError, HealingQueue, Review } from "./HealingQueue.js"
import * as Request from "./HealingRequest.js"
import { gateOf, HealingService } from "./HealingService.js"
import { type Change, HealingStore, type Page, type QueueState, transition } from "./HealingStore.js"
import { decodeHistory, decodeTarget, decodeWish, type HealingWish, Submission } from "./HealingWish.js"
import * as Holds from "./Holds.js"
import * as Journal from "./Journal.js"
import { byTurn } from "./Line.js"
import * as Mark from "./Mark.js"
import { replay } from "./Replay.js"
import { isReviewed, type Reviewed, Reviewer } from "./Reviewer.js"

type HealingRequest = Request.HealingRequest

const DAY = Duration.toMillis("1 day")

const MAX_EVENTS = 1024

const PRUNED_AT_ONCE = 100

const TIDY_EVERY = Duration.toMillis("1 hour")

const MISFIT = "its report does not fit: it should have a summary of 1 to 20,000 characters"

const CANCELLED = "it was cancelled"

const closedError = new HealingStoreError({ reason: "Closed", detail: "The queue of healing requests is closed" })

const queueStateChange = (state: QueueState): Change => ({ _tag: "QueueState", state })

/** @internal */
export const make = (
  retries: Backoff.RetrySchedule
): Effect.Effect<
  Context.Tag.Service<HealingQueue>,
  HealingStoreError,
  HealingService | HealingStore | Reviewer | HealingConfig | Scope.Scope
> =>
  Effect.gen(function* () {
    const settings = yield* HealingConfig
    const gate = gateOf(yield* HealingService)
    if (gate === undefined) {
      return yield* Effect.dieMessage("HealingQueue.layer needs the HealingService of HealingService.layer")
    }
    const store = yield* HealingStore
    const reviewer = yield* Reviewer
    const clock = yield* Effect.clock
    const runtime = yield* Effect.runtime<never>()
    // Uninterruptible from before its first op, since nobody else gives a turn back.
    const forTurns = Mark.clearedRuntime(Runtime.disableRuntimeFlag(runtime, RuntimeFlags.Interruption))
    const events = Broadcast.make<HealingEvent>(MAX_EVENTS)
    const tidy = yield* Effect.makeLatch(true)
    const cooldown = Duration.toMillis(settings.cooldown)

    /** Of each job at most one (R14); those whose insertion is being written included. */
    const pendingOf = new Map<string, Entry>()
    const runningOf = new Map<string, Entry>()
    /** When the last review of a job was completed, the oldest first, as long as its cool-down may last. */
    const completedAt = new Map<string, number>()
    let lastNumber = 0
    let endedSince = 0
    let tidiedAt = 0
    let closed = false

    const wall = () => clock.unsafeCurrentTimeMillis()
    const publish = events.tell

    const lanes = { manual: gate.makeLane(), automatic: gate.makeLane() }
    const holds = Holds.make(gate, lanes, wall, settings.maxReviewsPerDay, publish)
    const entries = makeEntries(
      gate,
      lanes,
      (at) => gate.now() + (at - wall()),
      // With one turn for all, it has to anyway.
      (job) => settings.maxConcurrent > 1 && runningOf.has(job),
      Duration.toMillis(settings.reviewTimeout)
    )
    const journal = yield* Journal.make(store, holds.journal)

    /** Whenever enough has ended or enough time has passed. */
    const tidyUp = () => {
      if (++endedSince < PRUNED_AT_ONCE && wall() - tidiedAt < TIDY_EVERY) return
      endedSince = 0
      tidiedAt = wall()
      tidy.unsafeOpen()
    }

    const reportBug = (error: HealingStoreError | undefined) => {
      if (error !== undefined) Runtime.runFork(runtime)(Effect.logFatal(error.detail), { immediate: false })
    }

    // -------------------------------------------------------------------------
    // Ends
    // -------------------------------------------------------------------------

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
          tidyUp()
        }
      })
    }

    const finishWithout = (entry: Entry, state: "cancelled" | "skipped", reason: string) => {
      const { id, job } = entry.request
      const error = state === "cancelled" ? new HealingCancelled({ id, job }) : new HealingSkipped({ id, job, reason })
      finish(entry, Request.end(entry.request, state, wall(), reason), Effect.fail(error))
    }

    const startCooldown = (job: string, at: number) => {
      completedAt.delete(job)
      completedAt.set(job, at)
      for (const [other, since] of completedAt) {
        if (since + cooldown > at) break
        completedAt.delete(other)
      }
    }

    const complete = (entry: Entry, report: Request.Report) => {
      const at = wall()
      const request = Request.complete(entry.request, at, report)
      startCooldown(entry.job, at)
      const next = pendingOf.get(entry.job)
      const cooling =
        next !== undefined && cooldown > 0 && Request.isAutomatic(next.request)
          ? { ...next.request, notBefore: at + cooldown }
          : undefined
      if (next !== undefined && cooling !== undefined) entries.update(next, cooling)
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
      if (closed) gate.leave(entry)
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
        return backToPending(entry, Request.retry(request, wall() + delay.value), (request) =>
          HealingEvent.Retrying({ at: wall(), request, reason })
        )
      }
      return finish(entry, Request.fail(request, wall(), error.reason), Effect.fail(error))
    }

    /** What its turn has come to. `before` is what it was before. */
    const settle = (
      entry: Entry,
      before: HealingRequest,
      exit: Exit.Exit<Reviewed | typeof Gate.givenBack, ReviewError | HealingStoreError>,
      failure?: { readonly error: ReviewError; readonly delay: Option.Option<number> }
    ) => {
      entry.turn = undefined
      const begun = entry.stage === "reviewing"
      if (!begun && Request.isAutomatic(before)) holds.undo()
      if (Exit.isSuccess(exit) && exit.value !== Gate.givenBack) {
        return exit.value._tag === "Completed"
          ? complete(entry, exit.value.report)
          : finishWithout(entry, "skipped", exit.value.reason)
      }
      const { ending } = entry
      const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
      if (error instanceof HealingStoreError) {
        // It never became running, since that could not be written.
        holds.refuse(error)
        forsake(entry.job, error)
        waitAgain(entry, before)
        return ending === "cancelled" ? finishWithout(entry, "cancelled", CANCELLED) : undefined
      }
      if (ending === "cancelled") return finishWithout(entry, "cancelled", CANCELLED)
      if (failure === undefined || ending === "closed") {
        return backToPending(entry, begun ? Request.giveBack(entry.request) : before, givenBack)
      }
      return failed(entry, failure.error, failure.delay)
    }

    /** Why its review has failed, if it has, and is not being stopped. */
    const failureOf = (
      { ending, job }: Entry,
      exit: Exit.Exit<unknown, ReviewError | HealingStoreError>
    ): ReviewError | undefined => {
      if (Exit.isSuccess(exit) || ending === "cancelled" || ending === "closed") return undefined
      if (ending === "overran") {
        const reason = `no answer within ${Duration.format(settings.reviewTimeout)}`
        return new ReviewError({ job, reason, retry: { _tag: "Backoff" } })
      }
      const error = Option.getOrElse(Cause.failureOption(exit.cause), () => died(job, exit.cause))
      return error instanceof ReviewError ? error : undefined
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
        (error) => (error === undefined ? holds.accept() : forsake(entry.job, error))
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
      return Effect.flatMap(Effect.exit(gate.takeTurn(entry, Effect.interruptible, review, prepared)), (exit) => {
        const error = failureOf(entry, exit)
        if (error === undefined) return Effect.sync(() => settle(entry, before, exit))
        return Effect.zipWith(
          isDeath(exit) ? Effect.logError("A review has died", exit.cause) : Effect.void,
          Backoff.delayAfter(retries, entry.request.attempts + 1, error, wall()),
          (_, delay) => settle(entry, before, exit, { error, delay })
        )
      })
    }

    const owner: Gate.Owner<Entry> = {
      granted: (entry) => {
        const before = entry.request
        if (Request.isAutomatic(before)) holds.begin(wall())
        // Here and not in the fiber, so that a wish that comes before that has run is written after it.
        const prepared = begin(entry)
        entry.turn = Runtime.runFork(forTurns)(turn(entry, before, prepared), { immediate: false })
      },
      begun: (entry) => {
        endWaits(entry)
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
        if (entry.waitDeadline <= at) entry.waitDeadline = Number.NEGATIVE_INFINITY
        if (isWanted(entry)) return deadlineOf(entry)
        finishWithout(entry, "skipped", timeout(entry.calledAt).message)
        return undefined
      },
      overran: (entry) => {
        entry.ending ??= "overran"
        entry.turn?.unsafeInterruptAsFork(FiberId.none)
      },
      closed: (entry) => answerAll(entry, Effect.fail(new HealingClosed({ job: entry.job })))
    }

    // -------------------------------------------------------------------------
    // Wishes
    // -------------------------------------------------------------------------

    const cooldownOf = (job: string, at: number): number | null => {
      const last = completedAt.get(job)
      // A clock that was set back is not to prolong it.
      const until = last === undefined ? at : Math.min(last, at) + cooldown
      return until > at ? until : null
    }

    interface Placed {
      readonly entry: Entry
      readonly written: Effect.Effect<Submission, HealingStoreError>
    }

    const placed = (entry: Entry, written: Effect.Effect<void, HealingStoreError>, submission: Submission): Placed => ({
      entry,
      written: Effect.flatMap(written, () =>
        entry.lost === undefined ? Effect.succeed(submission) : Effect.fail(entry.lost)
      )
    })

    const join = (entry: Entry, wish: Request.Wish): Placed => {
      const request = Request.coalesce(entry.request, wish)
      entries.update(entry, request)
      const written = journal.write(
        () => (entry.lost === undefined ? [transition("pending", request)] : []),
        (error) => {
          if (error === undefined && entry.lost === undefined) publish(HealingEvent.Coalesced({ at: wall(), request }))
        }
      )
      return placed(entry, written, Submission.Coalesced({ id: request.id }))
    }

    const place = (wish: Request.Wish): Either.Either<Placed, HealingQueueFull> => {
      const pending = pendingOf.get(wish.job)
      if (pending !== undefined) return Either.right(join(pending, wish))
      if (pendingOf.size >= settings.maxPending) {
        return Either.left(new HealingQueueFull({ job: wish.job, maxPending: settings.maxPending }))
      }
      const at = wall()
      const isAutomatic = wish.trigger !== "manual"
      const request = Request.accept(++lastNumber, wish, at, isAutomatic ? cooldownOf(wish.job, at) : null)
      const entry = entries.make(request, owner)
      pendingOf.set(wish.job, entry)
      const written = journal.write(
        () => (entry.lost === undefined ? [transition(null, request)] : []),
        (error) => {
          if (error?.reason === "UnexpectedState") reportBug(error)
          entry.lost ??= error
          const isPending = pendingOf.get(wish.job) === entry
          if (entry.lost === undefined) {
            publish(HealingEvent.Submitted({ at: wall(), request }))
            if (isPending && !closed) gate.enter(entry)
          } else {
            if (isPending) pendingOf.delete(wish.job)
            answerAll(entry, Effect.fail(entry.lost))
          }
        }
      )
      const earliest = isAutomatic ? Math.max(request.notBefore ?? at, holds.fullUntil(at) ?? at) : at
      const notBefore = earliest > at ? earliest : null
      return Either.right(placed(entry, written, Submission.Accepted({ id: request.id, notBefore })))
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
            if (closed) return Effect.fail(closedError)
            const waitUntil = Number.isFinite(maxWait) ? Math.round(wall() + maxWait) : null
            return Effect.flatMap(place({ ...wish, callersOnly: false, waitUntil }), ({ written }) => written)
          })
        )
      )

    /** Interrupts its review, and waits for the end of that. */
    const stop = (entry: Entry, why: "cancelled" | "closed"): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (entry.ending === undefined || entry.ending === "overran") entry.ending = why
        return entry.turn === undefined ? Effect.void : Effect.asVoid(Fiber.interrupt(entry.turn))
      })

    /** One who waited has gone. */
    const detach = (caller: Caller): Effect.Effect<void> =>
      Effect.suspend(() => {
        const { entry } = caller
        if (caller.outcome !== undefined || entry.callers?.delete(caller) !== true) return Effect.void
        if (isWanted(entry)) entries.update(entry, entry.request)
        else if (runningOf.get(entry.job) === entry) return stop(entry, "cancelled")
        else if (entry.request.callersOnly) finishWithout(entry, "cancelled", "nobody waits for it any more")
        else finishWithout(entry, "skipped", "its max wait had passed, and nobody else waits for it any more")
        return Effect.void
      })

    const heal: Context.Tag.Service<HealingQueue>["heal"] = (input) =>
      Effect.gen(function* () {
        const { maxWait = Duration.toMillis(settings.maxWait), wish } = yield* decode(input)
        const deadlock = yield* gate.deadlock(wish.job)
        if (deadlock !== undefined) return yield* deadlock
        return yield* Effect.uninterruptibleMask((restore) =>
          Effect.suspend((): Effect.Effect<Review, HealError> => {
            if (closed) return Effect.fail(new HealingClosed({ job: wish.job }))
            const placed = place({ ...wish, callersOnly: true, waitUntil: null })
            if (Either.isLeft(placed)) return Effect.fail(placed.left)
            const { entry } = placed.right
            const caller = entries.makeCaller(entry, maxWait, false)
            entries.attach(entry, caller)
            return Effect.onInterrupt(restore(awaitAnswer(caller)), () => detach(caller))
          })
        )
      })

    const cancelOne = (entry: Entry): Effect.Effect<Option.Option<HealingRequest>, HealingStoreError> => {
      const caller = entries.makeCaller(entry, Number.POSITIVE_INFINITY, true)
      entries.attach(entry, caller)
      const isRunning = runningOf.get(entry.job) === entry
      if (!isRunning) finishWithout(entry, "cancelled", CANCELLED)
      return Effect.matchEffect(
        Effect.zipRight(isRunning ? stop(entry, "cancelled") : Effect.void, awaitAnswer(caller)),
        {
          onSuccess: () => Effect.succeedNone,
          onFailure: (error) => {
            const { request } = caller.entry
            if (error instanceof HealingStoreError) return Effect.fail(error)
            return Effect.succeed(request.state === "cancelled" ? Option.some(request) : Option.none())
          }
        }
      )
    }

    const cancel: Context.Tag.Service<HealingQueue>["cancel"] = (input) =>
      Effect.flatMap(decodeTarget(input), (target) =>
        Effect.suspend(() => {
          if (closed) return Effect.fail(closedError)
          const job = "job" in target ? target.job : jobOf(target.id)
          const targets = Arr.filter(
            Arr.getSomes([Option.fromNullable(pendingOf.get(job)), Option.fromNullable(runningOf.get(job))]),
            ({ request }) => "job" in target || request.id === target.id
          )
          return Effect.map(Effect.all(targets.map(cancelOne)), Arr.getSomes)
        })
      )

    const setQueueState = (
      change: (state: QueueState) => QueueState,
      event: () => HealingEvent
    ): Effect.Effect<void, HealingStoreError> =>
      Effect.suspend(() => {
        if (closed) return Effect.fail(closedError)
        const before = holds.state()
        const state = holds.remember(change(before))
        return journal.write(
          () => [queueStateChange(state)],
          (error) => {
            if (error === undefined) publish(event())
            else if (holds.state() === state) holds.remember(before)
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

    /** A clock that was set back is not to prolong what it waits for. */
    const withoutJump = (request: HealingRequest, at: number): Effect.Effect<HealingRequest> => {
      const { notBefore } = request
      if (notBefore === null) return Effect.succeed(request)
      const error = new ReviewError({ job: request.job, reason: "", retry: { _tag: "Backoff" } })
      return Effect.map(Backoff.delayAfter(retries, request.attempts, error, at), (delay) => {
        const longest =
          at +
          Math.max(
            cooldown,
            Option.getOrElse(delay, () => 0)
          )
        return notBefore > longest ? { ...request, notBefore: longest } : request
      })
    }

    const open = Effect.gen(function* () {
      const at = wall()
      lastNumber = yield* store.lastNumber
      holds.remember((yield* store.queueState) ?? holds.state())
      const starts = yield* store.automaticStartsSince(at - DAY, settings.maxReviewsPerDay)
      for (const start of Arr.reverse(starts)) holds.begin(start)
      for (const [job, ended] of yield* store.completedSince(at - cooldown)) completedAt.set(job, ended)
      for (const request of yield* replay(store, at, settings, reportSetAside)) {
        const entry = entries.make(request.notBefore === null ? request : yield* withoutJump(request, at), owner)
        pendingOf.set(request.job, entry)
        gate.enter(entry)
      }
    })

    const close = Effect.gen(function* () {
      closed = true
      // First of all, so that nobody is given the turns of those who run.
      for (const lane of Object.values(lanes)) gate.close(lane)
      const running = Array.from(runningOf.values())
      yield* Effect.forEach(running, (entry) => stop(entry, "closed"), { concurrency: "unbounded" })
      for (const entry of pendingOf.values()) {
        gate.leave(entry)
        if (entry.callers !== undefined) answerAll(entry, Effect.fail(new HealingClosed({ job: entry.job })))
      }
      yield* journal.flush
      yield* events.end
    })

    /** In steps so small that nobody notices. */
    const prune: Effect.Effect<void, HealingStoreError> = Effect.suspend(() =>
      Effect.uninterruptible(store.prune(wall() - Duration.toMillis(settings.retention), PRUNED_AT_ONCE))
    ).pipe(
      Effect.flatMap((removed) => (removed < PRUNED_AT_ONCE ? Effect.void : Effect.zipRight(Effect.yieldNow(), prune)))
    )

    // What could not be removed is the next time.
    const prunes = tidy.await.pipe(
      Effect.zipRight(Effect.sync(() => tidy.unsafeClose())),
      Effect.zipRight(Effect.ignoreLogged(prune)),
      Effect.forever
    )

    yield* open
    yield* Effect.addFinalizer(() => close)
    if (Duration.isFinite(settings.retention)) yield* Effect.forkScoped(prunes)

    return {
      submit,
      heal,
      cancel,
      pending: Effect.sync(() => {
        const at = gate.now()
        // A delay that is over makes no difference any more.
        const delay = ({ notBefore }: Entry) => Math.max(notBefore, at)
        const waiting = Array.from(pendingOf.values()).filter(({ stage }) => stage === "waiting")
        const inOrder = waiting.sort((a, b) => delay(a) - delay(b) || byTurn(a, b))
        return [...runningOf.values(), ...inOrder].map(({ request }) => request)
      }),
      history: ({ before, ...options } = {}) =>
        Effect.flatMap(
          decodeHistory({ ...options, ...(before && { before: { endedAt: before.endedAt, number: before.number } }) }),
          store.history
        ),
      pause: setQueueState(
        (state) => ({ ...state, paused: true }),
        () => HealingEvent.Paused({ at: wall() })
      ),
      resume: setQueueState(
        () => ({ paused: false, rateLimitedUntil: null, rateLimits: 0 }),
        () => HealingEvent.Resumed({ at: wall() })
      ),
      events: events.listen
    }
  })

const jobOf = (id: string): string => id.slice(id.indexOf(":") + 1, id.lastIndexOf(":"))

const isDeath = (exit: Exit.Exit<unknown, unknown>): exit is Exit.Failure<unknown, unknown> =>
  Exit.isFailure(exit) && Cause.isDie(exit.cause)

/** Without the message, in which a defect may well name a secret. */
const died = (job: string, cause: Cause.Cause<unknown>): ReviewError => {
  const defect = Option.getOrUndefined(Cause.dieOption(cause))
  const what = defect instanceof Error ? `died of a ${defect.name}` : defect === undefined ? "was interrupted" : "died"
  return new ReviewError({ job, reason: `the review ${what}`, retry: { _tag: "Backoff" } })
}
