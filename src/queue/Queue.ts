/**
 * The mechanism behind `HealingQueue`. What is pending or running is in memory, and every decision is made there, in one
 * synchronous step that also gives the journal what to write: so the order of the writes is that of the decisions.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as Tracer from "effect/Tracer"
import * as Gate from "../gate/Gate.js"
import { HealingService } from "../gate/HealingService.js"
import { byTurn } from "../gate/Line.js"
import { HealingClosed, HealingQueueFull, HealingStoreError, ReviewError } from "../HealingError.js"
import * as Broadcast from "../internal/Broadcast.js"
import * as Request from "../request/HealingRequest.js"
import { Reviewed, Reviewer } from "../review/Reviewer.js"
import * as InsideMark from "../running/InsideMark.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import { type Change, type QueueState, transition } from "../store/Change.js"
import { HealingStore } from "../store/HealingStore.js"
import type { Page } from "../store/Journal.js"
import * as Backoff from "./Backoff.js"
import * as BatchWriter from "./BatchWriter.js"
import { Cooldowns } from "./Cooldowns.js"
import { answer, answerAll, awaitAnswer, type Caller, type Entry, isWanted, make as makeEntries } from "./Entry.js"
import { type Due, type ForScheduler, forScheduler, type Veto } from "./ForScheduler.js"
import { HealingEvent } from "./HealingEvent.js"
import {
  type CancelTarget,
  decodeHistory,
  decodeTarget,
  decodeWish,
  type HealingWish,
  type HistoryOptions,
  Submission
} from "./HealingWish.js"
import * as QueueHolds from "./QueueHolds.js"
import { replay } from "./Recovery.js"
import * as Retention from "./Retention.js"
import type { HealError, Review } from "./Review.js"
import * as Turns from "./Turns.js"

type HealingRequest = Request.HealingRequest

const DAY = Duration.toMillis("1 day")

const MAX_EVENTS = 1024

const closedError = new HealingStoreError({ reason: "Closed", detail: "The queue of healing requests is closed" })

/** @internal */
export const make = (retries: Backoff.RetrySchedule) =>
  Effect.gen(function* () {
    const settings = yield* HealingConfig
    const { [Gate.gate]: gate } = yield* HealingService
    if (gate === undefined) {
      return yield* Effect.dieMessage("HealingQueue.layer needs the HealingService of HealingService.layer")
    }
    const store = yield* HealingStore
    const vetoes: Array<Veto> = []
    const reviewer = unlessNeedless(store, vetoes, yield* Reviewer)
    const clock = yield* Effect.clock
    const { context, fiberRefs, runtimeFlags } = yield* Effect.runtime<never>()
    // A review has its own span, which is none of those in which the layer was built.
    const runtime = Runtime.make({ context: Context.omit(Tracer.ParentSpan)(context), fiberRefs, runtimeFlags })
    // Uninterruptible from before its first op, since nobody else gives a turn back.
    const forTurns = InsideMark.clearedRuntime(Runtime.disableRuntimeFlag(runtime, RuntimeFlags.Interruption))
    const events = Broadcast.make<HealingEvent>(MAX_EVENTS)
    const cooldown = Duration.toMillis(settings.cooldown)

    /** Of each job at most one (R14); those whose insertion is being written included. */
    const pendingOf = new Map<string, Entry>()
    const runningOf = new Map<string, Entry>()
    let lastNumber = 0
    let closed = false

    const wall = () => clock.unsafeCurrentTimeMillis()
    const publish = events.tell

    const lanes = { manual: gate.makeLane(), automatic: gate.makeLane() }
    const holds = QueueHolds.make(gate, lanes, wall, settings.maxReviewsPerDay, publish)
    const entries = makeEntries(
      gate,
      lanes,
      (at) => gate.now() + (at - wall()),
      // With one turn for all, it has to anyway.
      (job) => settings.maxConcurrent > 1 && runningOf.has(job),
      Duration.toMillis(settings.reviewTimeout)
    )
    const journal = yield* BatchWriter.make(store, holds.journal, holds.accept)

    const desk: Turns.Desk = {
      settings,
      gate,
      entries,
      holds,
      journal,
      cooldowns: new Cooldowns(cooldown),
      pendingOf,
      runningOf,
      wall,
      publish,
      onEnd: yield* Retention.make(store, settings.retention, wall),
      reportBug: (error) => {
        if (error !== undefined) Runtime.runFork(runtime)(Effect.logFatal(error.detail), { immediate: false })
      },
      isClosed: () => closed
    }
    const { finishWithout, owner, stop } = Turns.make(desk, reviewer, retries, (turn) =>
      Runtime.runFork(forTurns)(turn, { immediate: false })
    )

    // -------------------------------------------------------------------------
    // Wishes
    // -------------------------------------------------------------------------

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

    const join = (entry: Entry, wish: Request.Wish, caller: Caller | undefined, due: Due | undefined): Placed => {
      const request = Request.coalesce(entry.request, wish)
      entries.update(entry, request)
      if (caller !== undefined) entries.attach(entry, caller)
      const written = journal.write(
        () => (entry.lost === undefined ? [transition("pending", request), ...occurrence(request, due)] : []),
        (failure) => {
          const error = failure ?? entry.lost
          if (error === undefined) {
            entry.written = request
            publish(HealingEvent.Coalesced({ at: wall(), request }))
            return
          }
          if (failure?.reason === "UnexpectedState") desk.reportBug(failure)
          // Nobody has acknowledged it.
          if (entry.request === request) entries.update(entry, entry.written)
          if (caller !== undefined && leave(caller)) answer(caller, Effect.fail(error))
        }
      )
      return placed(entry, written, Submission.Coalesced({ id: request.id }))
    }

    const place = (
      wish: Request.Wish,
      caller: Caller | undefined,
      due: Due | undefined
    ): Either.Either<Placed, HealingQueueFull> => {
      const pending = pendingOf.get(wish.job)
      if (pending !== undefined) return Either.right(join(pending, wish, caller, due))
      if (pendingOf.size >= settings.maxPending) {
        return Either.left(new HealingQueueFull({ job: wish.job, maxPending: settings.maxPending }))
      }
      const at = wall()
      const isAutomatic = wish.trigger !== "manual"
      const request = Request.accept(
        ++lastNumber,
        wish,
        at,
        isAutomatic ? desk.cooldowns.endOf(wish.job, at, wish.cooldown) : null
      )
      const entry = entries.make(request, owner)
      pendingOf.set(wish.job, entry)
      if (caller !== undefined) entries.attach(entry, caller)
      const written = journal.write(
        () => (entry.lost === undefined ? [transition(null, request), ...occurrence(request, due)] : []),
        (error) => {
          if (error?.reason === "UnexpectedState") desk.reportBug(error)
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
      Effect.map(decodeWish(input), ({ cooldown, job, maxWait, note, priority, runId, trigger = "manual" }) => ({
        maxWait: maxWait && Duration.toMillis(maxWait),
        wish: {
          job,
          trigger,
          priority: priority ?? priorityOf(trigger),
          runId: runId ?? null,
          note: note ?? null,
          cooldown: cooldown === undefined ? null : Math.round(Duration.toMillis(cooldown)),
          signature: null
        }
      }))

    /** What the cool-down of a job goes by, if that is longer than what is kept in memory. */
    const recall = ({ cooldown, job, trigger }: Pick<Request.Wish, "cooldown" | "job" | "trigger">) =>
      trigger === "manual" || !desk.cooldowns.mayHaveForgotten(job, cooldown)
        ? Effect.void
        : Effect.map(store.history({ job, states: ["completed"], limit: 1 }), ([last]) => {
            if (last?.endedAt != null) desk.cooldowns.remember(job, last.endedAt)
          })

    const submitDue: ForScheduler["submit"] = (input, { due, signature = null } = {}) =>
      Effect.flatMap(decode(input), ({ maxWait = Number.POSITIVE_INFINITY, wish }) =>
        Effect.zipRight(
          recall(wish),
          Effect.uninterruptible(
            Effect.suspend(() => {
              if (closed) return Effect.fail(closedError)
              const waitUntil = Number.isFinite(maxWait) ? Request.instant(wall() + maxWait) : null
              const placed = place({ ...wish, signature, callersOnly: false, waitUntil }, undefined, due)
              return Effect.flatMap(placed, ({ written }) => written)
            })
          )
        )
      )

    /** One who waited has gone. Returns whether it was still waiting. */
    const leave = (caller: Caller): boolean => {
      const { entry } = caller
      if (caller.outcome !== undefined || entry?.callers?.delete(caller) !== true) return false
      const isPending = pendingOf.get(entry.job) === entry
      if (isWanted(entry)) entries.update(entry, entry.request)
      else if (!isPending) return true
      else if (entry.request.callersOnly) finishWithout(entry, "cancelled", "nobody waits for it any more")
      else finishWithout(entry, "skipped", "its max wait had passed, and nobody else waits for it any more")
      return true
    }

    const detach = (caller: Caller): Effect.Effect<void> =>
      Effect.suspend(() => {
        const { entry } = caller
        if (!leave(caller) || entry === undefined || isWanted(entry)) return Effect.void
        return runningOf.get(entry.job) === entry ? stop(entry, "cancelled") : Effect.void
      })

    const heal = (input: HealingWish): Effect.Effect<Review, HealError> =>
      Effect.gen(function* () {
        const { maxWait = Duration.toMillis(settings.maxWait), wish } = yield* decode(input)
        const deadlock = yield* gate.deadlock(wish.job)
        if (deadlock !== undefined) return yield* deadlock
        yield* recall(wish)
        return yield* Effect.uninterruptibleMask((restore) =>
          Effect.suspend((): Effect.Effect<Review, HealError> => {
            if (closed) return Effect.fail(new HealingClosed({ job: wish.job }))
            const caller = entries.makeCaller(maxWait, false)
            const placed = place({ ...wish, callersOnly: true, waitUntil: null }, caller, undefined)
            if (Either.isLeft(placed)) return Effect.fail(placed.left)
            return Effect.onInterrupt(restore(awaitAnswer(caller)), () => detach(caller))
          })
        )
      })

    /** Cancels it at once; the effect waits for the end of that. */
    const cancelOne = (entry: Entry): Effect.Effect<Option.Option<HealingRequest>, HealingStoreError> => {
      const caller = entries.makeCaller(Number.POSITIVE_INFINITY, true)
      entries.attach(entry, caller)
      const stopped = runningOf.get(entry.job) === entry ? stop(entry, "cancelled") : Effect.void
      if (pendingOf.get(entry.job) === entry) finishWithout(entry, "cancelled", Turns.CANCELLED)
      return Effect.matchEffect(Effect.zipRight(stopped, awaitAnswer(caller)), {
        onSuccess: () => Effect.succeedNone,
        onFailure: (error) => {
          if (error instanceof HealingStoreError) return Effect.fail(error)
          return Effect.succeed(entry.request.state === "cancelled" ? Option.some(entry.request) : Option.none())
        }
      })
    }

    const cancel = (input: CancelTarget) =>
      Effect.flatMap(decodeTarget(input), (target) =>
        Effect.suspend(() => {
          if (closed) return Effect.fail(closedError)
          const job = "job" in target ? target.job : jobOf(target.id)
          const targets = Arr.filter(
            Arr.getSomes([Option.fromNullable(pendingOf.get(job)), Option.fromNullable(runningOf.get(job))]),
            ({ request }) => "job" in target || request.id === target.id
          )
          // All are cancelled by now; what comes one after the other is the waiting.
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
          () => [Turns.queueStateChange(state)],
          (error) => {
            if (error === undefined) publish(event())
            else holds.remember(holds.state() === state ? before : { ...holds.state(), paused: before.paused })
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
            request.cooldown ?? cooldown,
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
      for (const [job, ended] of yield* store.completedSince(at - cooldown)) desk.cooldowns.start(job, ended)
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

    yield* open
    yield* Effect.addFinalizer(() => close)

    const ofScheduler: ForScheduler = { submit: submitDue, addVeto: (veto) => vetoes.push(veto) }

    return {
      [forScheduler]: ofScheduler,
      submit: (wish: HealingWish) => submitDue(wish),
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
      history: ({ before, ...options }: HistoryOptions = {}) =>
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

const occurrence = ({ job, number }: HealingRequest, due: Due | undefined): ReadonlyArray<Change> =>
  due === undefined ? [] : [{ _tag: "Occurrence", occurrence: { ...due, job, request: number, reason: null } }]

/**
 * What was asked for may be needless when its turn comes: a policy was switched off, or the review that ran meanwhile has
 * explained the failure. What cannot be looked up is reviewed.
 */
const unlessNeedless = (
  store: Context.Tag.Service<HealingStore>,
  vetoes: ReadonlyArray<Veto>,
  reviewer: Context.Tag.Service<Reviewer>
): Context.Tag.Service<Reviewer> => ({
  review: (request) => {
    if (!Request.isAutomatic(request)) return reviewer.review(request)
    const [reason] = vetoes.flatMap((veto) => veto(request) ?? [])
    if (reason !== undefined) return Effect.succeed(Reviewed.Skipped({ reason }))
    const { job, signatures, triggers } = request
    const mayBeExplained = triggers.every((trigger) => trigger === "failure") && signatures.length > 0
    if (!mayBeExplained || signatures.includes(Request.UNKNOWN_FAILURE)) return reviewer.review(request)
    return Effect.every(signatures, (signature) => store.explained(job, signature)).pipe(
      Effect.orElseSucceed(() => false),
      Effect.flatMap((areExplained) =>
        areExplained ? Effect.succeed(Reviewed.Skipped({ reason: EXPLAINED })) : reviewer.review(request)
      )
    )
  }
})

const EXPLAINED =
  "a completed review has explained this failure, and neither its command nor its files have changed since"

const jobOf = (id: string): string => id.slice(id.indexOf(":") + 1, id.lastIndexOf(":"))
