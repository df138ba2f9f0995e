/**
 * The gate: whose turn it is.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Iterable from "effect/Iterable"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Subscribable from "effect/Subscribable"
import * as Alarm from "./Alarm.js"
import { HealingConfig } from "./HealingConfig.js"
import {
  HealingClosed,
  HealingConfigError,
  HealingDeadlock,
  HealingTimeout,
  type HeldBy,
  MAX_NAMES
} from "./HealingError.js"
import * as HealingMetrics from "./HealingMetrics.js"
import type { HealingStatus } from "./HealingStatus.js"
import * as HoldUps from "./HoldUps.js"
import * as Line from "./Line.js"
import * as Mark from "./Mark.js"
import * as Monotonic from "./Monotonic.js"
import { everyChange, type JobId, OpenClaw, type RunningState } from "./OpenClaw.js"
import * as Settings from "./Settings.js"

/**
 * - `priority`: a number below 0; higher goes first. The setting `priority` by default.
 * - `maxWait`: from the call until the first turn; 0 means now or not at all, `Duration.infinity` for ever. The setting
 *   `maxWait` by default.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunOptions {
  readonly priority?: number | undefined
  readonly maxWait?: Duration.DurationInput | undefined
}

/**
 * The gate. A review that goes through it runs when it is its turn, which is when no OpenClaw job runs and none has for
 * the quiet period, no other review has the turn, and nobody stands before it in the line.
 *
 * @since 0.1.0
 * @category tags
 */
export class HealingService extends Context.Tag("effect-healing/HealingService")<
  HealingService,
  {
    /**
     * Runs a review of the job when it is its turn.
     *
     * The review runs in the caller's fiber, with the caller's services, spans and fiber refs, and can be interrupted
     * at any instant, waiting or running; `run` ends when the review's finalizers have. It fails with whatever the
     * review fails with, and
     *
     * - with `HealingTimeout` when it has had no turn within its max wait,
     * - with `HealingDeadlock`, at once, from inside a job that it would wait for or from inside any review,
     * - with `HealingClosed` when the service's layer is closed before its turn.
     *
     * A bad option is a defect.
     *
     * Under `onJobStart: "yield"` the review is a child fiber of the caller's, so that it alone can be interrupted and
     * run anew. There, the fibers that it forks end with it instead of with the caller, and what it has added to a
     * scope of the caller's stays there when it yields.
     *
     * @example
     * ```ts
     * import { Console, Effect } from "effect"
     * import { HealingService } from "effect-healing"
     *
     * const review = Effect.gen(function* () {
     *   const healing = yield* HealingService
     *   yield* healing.run("nightly-digest", { maxWait: "1 hour" })(Console.log("reviewing"))
     * }).pipe(Effect.catchTag("HealingTimeout", (timeout) => Console.log(timeout.message)))
     * ```
     */
    readonly run: (
      job: JobId,
      options?: RunOptions
    ) => <A, E, R>(
      review: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | HealingTimeout | HealingDeadlock | HealingClosed, R>
    /**
     * Runs the effect outside of every job and review that its caller is inside of, so that it may ask for a healing
     * without a `HealingDeadlock`. For work that is only started in there, and that nobody in there waits for.
     */
    readonly detached: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /**
     * The gate as it is now: made when it is read, and without effect on the gate. A subscriber gets the latest status
     * after each change, not one for each.
     */
    readonly status: Subscribable.Subscribable<HealingStatus>
  }
>() {
  /**
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<HealingService, never, OpenClaw | HealingConfig> = Layer.scoped(
    this,
    Effect.suspend(() => make)
  )
}

/**
 * One call of `run`, from its call to its end.
 *
 * `waiting` in the line, until the dispatcher has `granted` it a turn; `reviewing` once its own fiber has made the last
 * check; `waiting` again if that check fails or the review yields; `ended` at last.
 */
interface Healing extends Line.Waiter {
  readonly job: JobId
  readonly calledAt: number
  stage: "waiting" | "granted" | "reviewing" | "ended"
  /** How the wait has ended, and what tells its fiber so: whichever comes first leaves it for the other. */
  outcome: Effect.Effect<void, HealingTimeout | HealingClosed> | undefined
  resume: ((outcome: Effect.Effect<void, HealingTimeout | HealingClosed>) => void) | undefined
  mark: Mark.Mark | undefined
  waitingSince: number
  turnAt: number
  turns: number
  yields: number
  /** The fiber that runs the review, as long as a job that starts may interrupt it. */
  interruptible: Fiber.RuntimeFiber<unknown, unknown> | undefined
  /** How many job instances had been started at the last check. */
  started: number
}

/** The end of a turn that was given back before the review had ended. */
const givenBack = Symbol("effect-healing/givenBack")

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

// A name that is no string after all, from a caller without types, is not to break the gate.
const unchecked = { disableValidation: true }

const MAX_LINE = 100

const MAX_PASSED = 100

const make = Effect.gen(function* () {
  const settings = yield* HealingConfig
  const openClaw = yield* OpenClaw
  const clock = yield* Effect.clock
  const now = () => Monotonic.millis(clock)
  const metrics = HealingMetrics.make(settings.queue)
  const quietPeriod = Duration.toMillis(settings.quietPeriod)

  const line = new Line.Line<Healing>()
  /** Those who have a turn: never more than the semaphore has permits for, so that none of them waits for its own. */
  const turns = new Set<Healing>()
  const semaphore = yield* Effect.makeSemaphore(settings.maxConcurrent)
  const wake = yield* Effect.makeLatch(false)
  const alarm = Alarm.make(clock, () => wake.unsafeOpen())
  const tellOfHoldUps = HoldUps.make(now)
  const watchers = new Set<Effect.Latch>()
  /** Whose name the interruption of a review bears when it yields. */
  const yielder = FiberId.unsafeMake()
  let places = 0
  let closed = false

  const notify = () => {
    metrics.waiting(line.size)
    metrics.running(turns.size)
    for (const watcher of watchers) watcher.unsafeOpen()
  }

  // ---------------------------------------------------------------------------
  // What the running state allows
  // ---------------------------------------------------------------------------

  const quietAt = (state: RunningState): number =>
    state.idleSince === undefined ? Number.POSITIVE_INFINITY : state.idleSince + quietPeriod

  const mayStart = (healing: Healing, state: RunningState, at: number): boolean =>
    healing.overdue || quietAt(state) <= at

  const heldBy = (healing: Healing, state: RunningState, at: number): ReadonlyArray<HeldBy> => {
    const held: Array<HeldBy> = []
    if (!settings.enabled) held.push({ _tag: "Disabled" })
    if (!healing.overdue) {
      const remaining = quietAt(state) - at
      if (state.unknown.length > 0) held.push({ _tag: "UnknownSources", sources: state.unknown.slice(0, MAX_NAMES) })
      if (!HashMap.isEmpty(state.jobs)) held.push({ _tag: "Jobs", jobs: firstNames(HashMap.keys(state.jobs)) })
      else if (remaining > 0 && remaining < Number.POSITIVE_INFINITY) {
        held.push({ _tag: "QuietPeriod", remaining: Duration.millis(remaining) })
      }
    }
    if (turns.size >= settings.maxConcurrent) {
      held.push({ _tag: "Turn", reviews: firstNames(Array.from(turns, ({ job }) => job)) })
    }
    return held
  }

  // ---------------------------------------------------------------------------
  // The dispatcher: in one synchronous step grants of turns, then yields, then deadlines; and after it the alarm
  // ---------------------------------------------------------------------------

  const endWait = (healing: Healing, stage: "granted" | "ended", outcome: NonNullable<Healing["outcome"]>) => {
    line.remove(healing)
    healing.stage = stage
    healing.outcome = outcome
    healing.resume?.(outcome)
  }

  const grantTurns = (state: RunningState, at: number) => {
    while (settings.enabled && turns.size < settings.maxConcurrent) {
      const first = line.first
      if (first === undefined || !mayStart(first, state, at)) break
      first.turnAt = at
      turns.add(first)
      endWait(first, "granted", Effect.void)
    }
  }

  const yieldTurns = (state: RunningState) => {
    for (const healing of turns) {
      if (healing.interruptible !== undefined && healing.started < state.started) {
        healing.interruptible.unsafeInterruptAsFork(yielder)
        healing.interruptible = undefined
      }
    }
  }

  /** Whether somebody whose max wait has passed now goes first. */
  const passDeadlines = (state: RunningState, at: number): boolean => {
    let anyOverdue = false
    // So many in one look: a job that reports meanwhile is not to wait for all of them (R3).
    for (let i = 0; i < MAX_PASSED; i++) {
      const healing = line.mostUrgent
      if (healing === undefined || healing.deadline > at) break
      if (settings.onMaxWait === "run" && settings.enabled) {
        anyOverdue = true
        line.remove(healing)
        healing.overdue = true
        healing.deadline = Number.POSITIVE_INFINITY
        line.add(healing)
      } else {
        const timeout = new HealingTimeout(
          {
            job: healing.job,
            waited: Duration.millis(Math.round(at - healing.calledAt)),
            heldBy: heldBy(healing, state, at),
            ahead: line.ahead(healing)
          },
          unchecked
        )
        metrics.timedOut()
        endWait(healing, "ended", Effect.fail(timeout))
      }
    }
    return anyOverdue
  }

  const decide = (state: RunningState) => {
    const at = now()
    do {
      grantTurns(state, at)
      yieldTurns(state)
    } while (passDeadlines(state, at))
    notify()
  }

  /** When to decide again if nothing happens before: at the next deadline or the end of the quiet period. */
  const nextInstant = (state: RunningState): number => {
    const deadline = line.mostUrgent?.deadline ?? Number.POSITIVE_INFINITY
    const turnFree = settings.enabled && line.size > 0 && turns.size < settings.maxConcurrent
    return turnFree ? Math.min(deadline, quietAt(state)) : deadline
  }

  const setAlarm: Effect.Effect<void> = Effect.flatMap(openClaw.running.get, (state) => alarm.set(nextInstant(state)))

  const dispatch: Effect.Effect<void> = Effect.flatMap(openClaw.running.get, (state) => {
    wake.unsafeClose()
    decide(state)
    return Effect.zipRight(
      tellOfHoldUps(state, line.size),
      // Timers are slow: whoever was granted a turn goes first.
      alarm.isSetFor(nextInstant(state)) ? Effect.void : Effect.zipRight(Effect.yieldNow(), setAlarm)
    )
  })

  // ---------------------------------------------------------------------------
  // One healing, in its own fiber
  // ---------------------------------------------------------------------------

  const enter = (healing: Healing) => {
    healing.resume = undefined
    if (closed) {
      healing.stage = "ended"
      healing.outcome = Effect.fail(new HealingClosed({ job: healing.job }, unchecked))
    } else {
      healing.stage = "waiting"
      healing.outcome = undefined
      healing.waitingSince = now()
      line.add(healing)
      wake.unsafeOpen()
    }
    notify()
  }

  const endTurn = (healing: Healing) => {
    if (healing.stage === "reviewing") metrics.ran(now() - healing.turnAt)
    if (healing.mark !== undefined) healing.mark.live = false
    healing.interruptible = undefined
    healing.stage = "ended"
    turns.delete(healing)
  }

  /** In one step, so that nobody takes its place in between. */
  const giveTurnBack = (healing: Healing): Effect.Effect<void> =>
    Effect.sync(() => {
      endTurn(healing)
      enter(healing)
    })

  const leave = (healing: Healing): Effect.Effect<void> =>
    Effect.sync(() => {
      if (healing.stage === "waiting") line.remove(healing)
      endTurn(healing)
      // Somebody may have the turn, or the alarm nobody to ring for.
      if (line.size > 0 || !alarm.isSetFor(Number.POSITIVE_INFINITY)) wake.unsafeOpen()
      notify()
    })

  const awaitTurn = (healing: Healing): Effect.Effect<void, HealingTimeout | HealingClosed> =>
    Effect.async((resume) => {
      if (healing.outcome === undefined) healing.resume = resume
      else resume(healing.outcome)
    })

  const canYield = (healing: Healing): boolean =>
    settings.onJobStart === "yield" && !healing.overdue && healing.yields < settings.maxYields

  /** The last check, and the review as the very next thing if it succeeds (R2). */
  const checked = <A, E, R>(
    healing: Healing,
    review: Effect.Effect<A, E, R>
  ): Effect.Effect<A | typeof givenBack, E, R> =>
    Effect.withFiberRuntime<A | typeof givenBack, E, R>((fiber) =>
      Effect.flatMap(openClaw.running.get, (state): Effect.Effect<A | typeof givenBack, E, R> => {
        if (!mayStart(healing, state, now())) {
          return Effect.as(Effect.annotateCurrentSpan("healing.given_back", true), givenBack)
        }
        healing.stage = "reviewing"
        healing.turnAt = now()
        // The wait of a healing, and with it its deadline, ends with its first turn.
        if (healing.turns++ === 0) metrics.waited(healing.turnAt - healing.calledAt)
        healing.deadline = Number.POSITIVE_INFINITY
        if (canYield(healing)) {
          healing.started = state.started
          healing.interruptible = fiber
        }
        return review
      })
    )

  const hasYielded = (exit: Exit.Exit<unknown, unknown>): boolean =>
    Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) && HashSet.has(Cause.interruptors(exit.cause), yielder)

  /** Runs the review in a child fiber, so that a job that starts can interrupt it without its caller (R10). */
  const yieldable = <A, E, R>(
    healing: Healing,
    restore: Restore,
    review: Effect.Effect<A | typeof givenBack, E, R>
  ): Effect.Effect<A | typeof givenBack, E, R> =>
    Effect.gen(function* () {
      const child = yield* Effect.fork(restore(review))
      const awaited = yield* Effect.exit(restore(Fiber.await(child)))
      if (Exit.isFailure(awaited)) {
        const exit = yield* Fiber.interrupt(child)
        return yield* Effect.failCause(Exit.isFailure(exit) ? Cause.parallel(awaited.cause, exit.cause) : awaited.cause)
      }
      if (hasYielded(awaited.value)) {
        healing.yields++
        metrics.yielded()
        return yield* Effect.as(Effect.annotateCurrentSpan("healing.yielded", true), givenBack)
      }
      yield* Fiber.inheritAll(child)
      return yield* awaited.value
    })

  const takeTurn = <A, E, R>(
    healing: Healing,
    restore: Restore,
    review: Effect.Effect<A, E, R>
  ): Effect.Effect<A | typeof givenBack, E, R> =>
    Effect.suspend(() => {
      const mark: Mark.Mark = { inside: "review", name: healing.job, of: openClaw.running, live: true }
      healing.mark = mark
      const turn = checked(healing, review)
      return Effect.useSpan(
        "HealingService.run",
        {
          attributes: {
            "healing.job": healing.job,
            "healing.priority": healing.priority,
            "healing.wait_ms": Math.round(healing.turnAt - healing.waitingSince),
            "healing.yields": healing.yields
          },
          captureStackTrace: false
        },
        (span) =>
          (settings.onJobStart === "yield" ? yieldable(healing, restore, turn) : restore(turn)).pipe(
            Mark.withinReview(mark),
            Effect.withParentSpan(span)
          )
      )
    })

  const takeTurns = <A, E, R>(
    healing: Healing,
    restore: Restore,
    review: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | HealingTimeout | HealingClosed, R> =>
    restore(awaitTurn(healing)).pipe(
      // It never waits here, since a healing gives its permit back before it ends its turn.
      Effect.zipRight(semaphore.withPermits(1)(takeTurn(healing, restore, review))),
      Effect.flatMap((result) =>
        result === givenBack
          ? Effect.zipRight(giveTurnBack(healing), takeTurns(healing, restore, review))
          : Effect.succeed(result)
      )
    )

  const isWaitedFor = ({ inside, live, of }: Mark.Mark): boolean =>
    live && (inside === "review" || of === openClaw.running)

  const run =
    (job: JobId, options?: RunOptions) =>
    <A, E, R>(
      review: Effect.Effect<A, E, R>
    ): Effect.Effect<A, E | HealingTimeout | HealingDeadlock | HealingClosed, R> =>
      Effect.flatMap(
        Mark.current,
        (marks): Effect.Effect<A, E | HealingTimeout | HealingDeadlock | HealingClosed, R> => {
          const waitedFor = marks.find(isWaitedFor)
          if (waitedFor !== undefined) {
            return Effect.fail(new HealingDeadlock({ job, inside: waitedFor.inside, outer: waitedFor.name }, unchecked))
          }
          const own = options === undefined ? undefined : Settings.fromOptions(options, `run("${job}")`)
          if (own !== undefined && Arr.isNonEmptyReadonlyArray(own.issues)) {
            return Effect.die(new HealingConfigError({ issues: own.issues }))
          }
          const { maxWait = settings.maxWait, priority = settings.priority } = own?.settings ?? {}
          const calledAt = now()
          const healing: Healing = {
            job,
            priority,
            place: places++,
            deadline: calledAt + Duration.toMillis(maxWait),
            overdue: false,
            calledAt,
            stage: "ended",
            outcome: undefined,
            resume: undefined,
            mark: undefined,
            waitingSince: calledAt,
            turnAt: calledAt,
            turns: 0,
            yields: 0,
            interruptible: undefined,
            started: 0
          }
          return Effect.uninterruptibleMask((restore) => {
            enter(healing)
            return Effect.exit(takeTurns(healing, restore, review)).pipe(Effect.zipLeft(leave(healing)), Effect.flatten)
          })
        }
      )

  // ---------------------------------------------------------------------------
  // What a screen sees
  // ---------------------------------------------------------------------------

  const status: Effect.Effect<HealingStatus> = Effect.map(openClaw.running.get, (state) => {
    const present = now()
    const first = line.first
    return {
      waiting: line.size,
      line: line.take(MAX_LINE).map(({ calledAt, job, priority, yields }) => ({
        job,
        priority,
        waited: Duration.millis(present - calledAt),
        yields
      })),
      running: Array.from(turns, ({ job, priority, turnAt, yields }) => ({
        job,
        priority,
        running: Duration.millis(present - turnAt),
        yields
      })),
      heldBy: first === undefined ? [] : heldBy(first, state, present),
      settings
    }
  })

  const watch = Effect.acquireRelease(
    Effect.sync(() => {
      const watcher = Effect.unsafeMakeLatch(true)
      watchers.add(watcher)
      return watcher
    }),
    (watcher) => Effect.sync(() => watchers.delete(watcher))
  )

  const statusAfterChange = (watcher: Effect.Latch): Effect.Effect<HealingStatus> =>
    Effect.flatMap(watcher.await, () => {
      watcher.unsafeClose()
      return status
    })

  // ---------------------------------------------------------------------------
  // Its life
  // ---------------------------------------------------------------------------

  const close = Effect.sync(() => {
    closed = true
    for (const healing of line) {
      endWait(healing, "ended", Effect.fail(new HealingClosed({ job: healing.job }, unchecked)))
    }
    notify()
  })

  yield* Effect.addFinalizer(() => close)
  // Not by `Effect.forever`, which lets all others run first before it looks again.
  const lookOut: Effect.Effect<never> = wake.await.pipe(
    Effect.zipRight(Effect.uninterruptible(dispatch)),
    Effect.flatMap(() => lookOut)
  )
  yield* lookOut.pipe(
    // Should the dispatcher ever die, nobody is left waiting for it.
    Effect.onError((cause) =>
      Cause.isInterruptedOnly(cause)
        ? Effect.void
        : Effect.zipRight(close, Effect.logFatal("The healing service has died", cause))
    ),
    Effect.forkScoped
  )
  yield* Effect.forkScoped(
    Stream.runForEachChunk(everyChange(openClaw.running), () => Effect.sync(() => wake.unsafeOpen()))
  )

  return {
    run,
    detached: Mark.cleared,
    status: Subscribable.make({
      get: status,
      changes: Stream.unwrapScoped(
        Effect.map(watch, (watcher) => Stream.repeatEffect(statusAfterChange(watcher)))
      ).pipe(Stream.takeUntil(() => closed))
    })
  }
})

const firstNames = (names: Iterable<string>): ReadonlyArray<string> => Arr.fromIterable(Iterable.take(names, MAX_NAMES))
