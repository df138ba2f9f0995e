/**
 * The mechanism behind `HealingService` and `HealingQueue`: who waits, whose turn it is, and what happens in a turn.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Iterable from "effect/Iterable"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Subscribable from "effect/Subscribable"
import { HealingDeadlock, type HeldBy, MAX_NAMES } from "../HealingError.js"
import * as Clocks from "../internal/Clocks.js"
import { forGate } from "../running/ForGate.js"
import * as InsideMark from "../running/InsideMark.js"
import { type JobId, OpenClaw, type RunningState } from "../running/OpenClaw.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import * as Alarm from "./Alarm.js"
import * as GateMetrics from "./GateMetrics.js"
import type { HealingStatus } from "./HealingStatus.js"
import { type Hold, Lane } from "./Lanes.js"
import { byTurn, type Waiter } from "./Line.js"
import * as LongHoldWarnings from "./LongHoldWarnings.js"

/**
 * What becomes of a ticket, told in the middle of a decision: it must neither wait nor throw.
 *
 * @internal
 */
export interface Owner<T extends Ticket> {
  /** It has a turn: whoever holds it calls `takeTurn` now, or `leave`. */
  granted(ticket: T): void
  /** Its review begins. */
  begun(ticket: T): void
  /** Its deadline has passed. Returns the next one, or `undefined` if it is to leave. */
  overstayed(ticket: T, at: number, heldBy: ReadonlyArray<HeldBy>, ahead: number): number | undefined
  /** Its review has taken as long as it may. */
  overran(ticket: T): void
  /** There will be no more turns. */
  closed(ticket: T): void
}

/**
 * A wish for turns: `waiting` in its lane, until it is `granted` one; `reviewing` once the fiber of the review has made
 * the last check; `out` before and after.
 *
 * @internal
 */
export interface Ticket extends Waiter {
  readonly job: JobId
  readonly owner: Owner<this>
  lane: Lane<Ticket>
  readonly calledAt: number
  stage: "out" | "waiting" | "granted" | "reviewing"
  mark: InsideMark.InsideMark | undefined
  waitingSince: number
  turnAt: number
  /** For how long a review may run, in milliseconds; `Infinity` for as long as it likes. */
  readonly limit: number
  /** The monotonic instant at which the review that runs has done so. */
  limitAt: number
  turns: number
  yields: number
  /** The fiber that runs the review, as long as a job that starts may interrupt it. */
  interruptible: Fiber.RuntimeFiber<unknown, unknown> | undefined
  /** How many job instances had been started at the last check. */
  started: number
}

/**
 * The end of a turn that was given back before the review had ended.
 *
 * @internal
 */
export const givenBack = Symbol("effect-healing/givenBack")

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * Under this symbol `HealingService` carries its gate, for those who wait in it without a fiber. A member travels with a service that
 * somebody has wrapped (`{ ...service }`).
 *
 * @internal
 */
export const gate: unique symbol = Symbol.for("effect-healing/Gate")

/** @internal */
export interface Gate {
  readonly now: () => number
  /** The lane of those who call `run`, which nothing holds. */
  readonly callers: Lane<Ticket>
  /** Another lane, until it is closed, empty. */
  readonly makeLane: () => Lane<Ticket>
  readonly close: (lane: Lane<Ticket>) => void
  readonly hold: (lane: Lane<Ticket>, name: string, hold: Hold | undefined) => void
  /** The next place in the sequence of calls. */
  readonly nextPlace: () => number
  /** Lines the ticket up, at its place. */
  readonly enter: (ticket: Ticket) => void
  /** Changes what the order goes by, wherever the ticket is. */
  readonly rearrange: (ticket: Ticket, change: () => void) => void
  /** Out of the line, and its turn, if any, given back. */
  readonly leave: (ticket: Ticket) => void
  /** Out of its turn and at its old place again in one step, so that nobody takes that in between. */
  readonly giveTurnBack: (ticket: Ticket) => void
  /**
   * Does the review of a ticket that was granted, after what is to be `prepared`, and directly after the last check: a
   * turn that was `givenBack` is still to be left or given back. To be run uninterruptibly.
   */
  readonly takeTurn: <A, E, R, E2 = never, R2 = never>(
    ticket: Ticket,
    restore: Restore,
    review: Effect.Effect<A, E, R>,
    prepared?: Effect.Effect<void, E2, R2>
  ) => Effect.Effect<A | typeof givenBack, E | E2, R | R2>
  /** Why the caller may not wait for a healing of the job (R9). */
  readonly deadlock: (job: JobId) => Effect.Effect<HealingDeadlock | undefined>
  readonly status: Subscribable.Subscribable<HealingStatus>
}

/**
 * What carries it. To those outside of the package the interface is empty.
 */
export interface HasGate {
  /** @internal */
  readonly [gate]: Gate
}

// A name that is no string after all, from a caller without types, is not to break the gate.
const unchecked = { disableValidation: true }

const MAX_LINE = 100

const MAX_PASSED = 100

/** @internal */
export const make: Effect.Effect<Gate, never, OpenClaw | HealingConfig | Scope.Scope> = Effect.gen(function* () {
  const settings = yield* HealingConfig
  const openClaw = yield* OpenClaw
  const { [forGate]: running } = openClaw
  if (running === undefined)
    return yield* Effect.dieMessage("HealingService.layer needs the OpenClaw of OpenClaw.layer")
  const clock = yield* Effect.clock
  const now = () => Clocks.millis(clock)
  const metrics = GateMetrics.make(settings.queue)
  const quietPeriod = Duration.toMillis(settings.quietPeriod)

  const callers = new Lane<Ticket>()
  const lanes = [callers]
  /** Those who have a turn: never more than the semaphore has permits for, so that none of them waits for its own. */
  const turns = new Set<Ticket>()
  const semaphore = yield* Effect.makeSemaphore(settings.maxConcurrent)
  const wake = yield* Effect.makeLatch(false)
  const alarm = Alarm.make(clock, () => wake.unsafeOpen())
  const warnOfLongHolds = LongHoldWarnings.make(now)
  const watchers = new Set<Effect.Latch>()
  /** Whose name the interruption of a review bears when it yields. */
  const yielder = FiberId.unsafeMake()
  let places = 0
  let closed = false

  const waiting = (): number => lanes.reduce((sum, { line }) => sum + line.size, 0)

  const notify = () => {
    metrics.waiting(waiting())
    metrics.running(turns.size)
    for (const watcher of watchers) watcher.unsafeOpen()
  }

  // ---------------------------------------------------------------------------
  // What the running state allows
  // ---------------------------------------------------------------------------

  const quietAt = (state: RunningState): number =>
    state.idleSince === undefined ? Number.POSITIVE_INFINITY : state.idleSince + quietPeriod

  const mayStart = (ticket: Ticket, state: RunningState, at: number): boolean => ticket.overdue || quietAt(state) <= at

  const heldBy = (ticket: Ticket, state: RunningState, at: number): ReadonlyArray<HeldBy> => {
    const held: Array<HeldBy> = []
    if (!settings.enabled) held.push({ _tag: "Disabled" })
    held.push(...ticket.lane.heldBy(at))
    if (ticket.notBefore > at && ticket.notBefore < Number.POSITIVE_INFINITY) {
      held.push({ _tag: "NotBefore", remaining: Duration.millis(ticket.notBefore - at) })
    }
    if (!ticket.overdue) {
      const remaining = quietAt(state) - at
      if (state.unknown.length > 0) held.push({ _tag: "UnknownSources", sources: state.unknown.slice(0, MAX_NAMES) })
      if (!HashMap.isEmpty(state.jobs)) held.push({ _tag: "Jobs", jobs: firstNames(HashMap.keys(state.jobs)) })
      else if (remaining > 0 && remaining < Number.POSITIVE_INFINITY) {
        held.push({ _tag: "QuietPeriod", remaining: Duration.millis(remaining) })
      }
    }
    if (turns.size >= settings.maxConcurrent) {
      held.push({ _tag: "Turn", reviews: firstNames(Array.from(turns, ({ job }) => job)) })
    } else if (ticket.notBefore === Number.POSITIVE_INFINITY) {
      // Its owner delays it until the other review of its job has ended.
      held.push({ _tag: "Turn", reviews: [ticket.job] })
    }
    return held
  }

  // ---------------------------------------------------------------------------
  // The dispatcher: in one synchronous step grants of turns, then yields, then deadlines; and after it the alarm
  // ---------------------------------------------------------------------------

  const bestOf = (candidates: Iterable<Ticket | undefined>): Ticket | undefined => {
    let best: Ticket | undefined
    for (const candidate of candidates) {
      if (candidate !== undefined && (best === undefined || byTurn(candidate, best) < 0)) best = candidate
    }
    return best
  }

  const nextUp = (at: number): Ticket | undefined =>
    bestOf(lanes.map(({ heldUntil, line }) => (heldUntil <= at ? line.first : undefined)))

  /** Ends the delays that are over, also while there is no turn for anybody. */
  const release = (at: number) => {
    for (const { line } of lanes) line.release(at)
  }

  const mostUrgent = (): Ticket | undefined => {
    let urgent: Ticket | undefined
    for (const { line } of lanes) {
      const candidate = line.mostUrgent
      if (candidate !== undefined && (urgent === undefined || candidate.deadline < urgent.deadline)) urgent = candidate
    }
    return urgent
  }

  const ahead = (ticket: Ticket): number => lanes.reduce((sum, { line }) => sum + line.ahead(ticket), 0)

  const grantTurns = (state: RunningState, at: number) => {
    while (settings.enabled && turns.size < settings.maxConcurrent) {
      const first = nextUp(at)
      if (first === undefined || !mayStart(first, state, at)) break
      first.lane.line.remove(first)
      first.turnAt = at
      first.stage = "granted"
      turns.add(first)
      first.owner.granted(first)
    }
  }

  const yieldTurns = (state: RunningState) => {
    for (const ticket of turns) {
      if (ticket.interruptible !== undefined && ticket.started < state.started) {
        ticket.interruptible.unsafeInterruptAsFork(yielder)
        ticket.interruptible = undefined
      }
    }
  }

  const passLimits = (at: number) => {
    for (const ticket of turns) {
      if (ticket.limitAt > at) continue
      ticket.limitAt = Number.POSITIVE_INFINITY
      ticket.owner.overran(ticket)
    }
  }

  /** Whether somebody whose max wait has passed now goes first. */
  const passDeadlines = (state: RunningState, at: number): boolean => {
    let anyOverdue = false
    // So many in one look: a job that reports meanwhile is not to wait for all of them (R3).
    for (let i = 0; i < MAX_PASSED; i++) {
      const ticket = mostUrgent()
      if (ticket === undefined || ticket.deadline > at) break
      const { line } = ticket.lane
      if (settings.onMaxWait === "run" && settings.enabled) {
        anyOverdue = true
        line.remove(ticket)
        ticket.overdue = true
        ticket.deadline = Number.POSITIVE_INFINITY
        line.add(ticket)
      } else {
        const held = heldBy(ticket, state, at)
        const before = ahead(ticket)
        line.remove(ticket)
        const next = ticket.owner.overstayed(ticket, at, held, before)
        if (next === undefined) {
          metrics.timedOut()
          ticket.stage = "out"
        } else {
          ticket.deadline = next
          line.add(ticket)
        }
      }
    }
    return anyOverdue
  }

  const decide = (state: RunningState) => {
    const at = now()
    release(at)
    do {
      grantTurns(state, at)
      yieldTurns(state)
    } while (passDeadlines(state, at))
    passLimits(at)
    notify()
  }

  /** When to decide again if nothing happens before: at a deadline, at a limit, or when somebody may go. */
  const nextInstant = (state: RunningState): number => {
    let next = mostUrgent()?.deadline ?? Number.POSITIVE_INFINITY
    // The limit of one that has not begun cannot be sooner than that of one that begins now.
    for (const { limit, limitAt, stage } of turns) {
      next = Math.min(next, stage === "granted" ? now() + limit : limitAt)
    }
    if (!settings.enabled || turns.size >= settings.maxConcurrent) return next
    const quiet = quietAt(state)
    for (const { heldUntil, line } of lanes) {
      // An overdue one that may go has gone.
      if (line.first !== undefined) next = Math.min(next, Math.max(quiet, heldUntil))
      if (line.first?.overdue === true) next = Math.min(next, heldUntil)
      if (line.firstDelayed !== undefined) next = Math.min(next, Math.max(line.firstDelayed.notBefore, heldUntil))
    }
    return next
  }

  const setAlarm: Effect.Effect<void> = Effect.flatMap(openClaw.running.get, (state) => alarm.set(nextInstant(state)))

  const dispatch: Effect.Effect<void> = Effect.flatMap(openClaw.running.get, (state) => {
    wake.unsafeClose()
    decide(state)
    return Effect.zipRight(
      warnOfLongHolds(state, waiting()),
      // Timers are slow: whoever was granted a turn goes first.
      alarm.isSetFor(nextInstant(state)) ? Effect.void : Effect.zipRight(Effect.yieldNow(), setAlarm)
    )
  })

  // ---------------------------------------------------------------------------
  // In line, and out of it
  // ---------------------------------------------------------------------------

  const enter = (ticket: Ticket) => {
    if (closed) {
      ticket.stage = "out"
      ticket.owner.closed(ticket)
    } else {
      ticket.stage = "waiting"
      ticket.waitingSince = now()
      ticket.lane.line.add(ticket)
      wake.unsafeOpen()
    }
    notify()
  }

  const rearrange = (ticket: Ticket, change: () => void) => {
    if (ticket.stage !== "waiting") return change()
    ticket.lane.line.remove(ticket)
    change()
    ticket.lane.line.add(ticket)
    wake.unsafeOpen()
  }

  const endTurn = (ticket: Ticket) => {
    if (ticket.stage === "reviewing") metrics.ran(now() - ticket.turnAt)
    if (ticket.mark !== undefined) ticket.mark.live = false
    ticket.interruptible = undefined
    ticket.limitAt = Number.POSITIVE_INFINITY
    ticket.stage = "out"
    turns.delete(ticket)
  }

  const giveTurnBack = (ticket: Ticket) => {
    endTurn(ticket)
    enter(ticket)
  }

  const leave = (ticket: Ticket) => {
    if (ticket.stage === "waiting") ticket.lane.line.remove(ticket)
    endTurn(ticket)
    // Somebody may have the turn, or the alarm nobody to ring for.
    if (waiting() > 0 || !alarm.isSetFor(Number.POSITIVE_INFINITY)) wake.unsafeOpen()
    notify()
  }

  const hold = (lane: Lane<Ticket>, name: string, held: Hold | undefined) => {
    if (held === undefined) lane.holds.delete(name)
    else lane.holds.set(name, held)
    wake.unsafeOpen()
    notify()
  }

  // ---------------------------------------------------------------------------
  // A turn, in the fiber of whoever has it
  // ---------------------------------------------------------------------------

  const canYield = (ticket: Ticket): boolean =>
    settings.onJobStart === "yield" && !ticket.overdue && ticket.yields < settings.maxYields

  /** The last check, and the review as the very next thing if it succeeds (R2). */
  const checked = <A, E, R>(
    ticket: Ticket,
    review: Effect.Effect<A, E, R>
  ): Effect.Effect<A | typeof givenBack, E, R> =>
    Effect.withFiberRuntime<A | typeof givenBack, E, R>((fiber) =>
      Effect.flatMap(openClaw.running.get, (state): Effect.Effect<A | typeof givenBack, E, R> => {
        if (!mayStart(ticket, state, now())) {
          return Effect.as(Effect.annotateCurrentSpan("healing.given_back", true), givenBack)
        }
        ticket.stage = "reviewing"
        ticket.turnAt = now()
        // The wait of a healing, and with it its deadline, ends with its first turn.
        if (ticket.turns++ === 0) metrics.waited(ticket.turnAt - ticket.calledAt)
        ticket.deadline = Number.POSITIVE_INFINITY
        ticket.limitAt = ticket.turnAt + ticket.limit
        if (canYield(ticket)) {
          ticket.started = state.started
          ticket.interruptible = fiber
        }
        ticket.owner.begun(ticket)
        return review
      })
    )

  const hasYielded = (exit: Exit.Exit<unknown, unknown>): boolean =>
    Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) && HashSet.has(Cause.interruptors(exit.cause), yielder)

  /** Runs the review in a child fiber, so that a job that starts can interrupt it without its caller (R10). */
  const yieldable = <A, E, R>(
    ticket: Ticket,
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
        ticket.yields++
        metrics.yielded()
        return yield* Effect.as(Effect.annotateCurrentSpan("healing.yielded", true), givenBack)
      }
      yield* Fiber.inheritAll(child)
      return yield* awaited.value
    })

  const inTurn = <A, E, R>(
    ticket: Ticket,
    restore: Restore,
    review: Effect.Effect<A, E, R>
  ): Effect.Effect<A | typeof givenBack, E, R> =>
    Effect.suspend(() => {
      const mark: InsideMark.InsideMark = { inside: "review", name: ticket.job, of: running.of, live: true }
      ticket.mark = mark
      const turn = checked(ticket, review)
      return Effect.useSpan(
        "HealingService.run",
        {
          attributes: {
            "healing.job": ticket.job,
            "healing.priority": ticket.priority,
            "healing.wait_ms": Math.round(ticket.turnAt - ticket.waitingSince),
            "healing.yields": ticket.yields
          },
          captureStackTrace: false
        },
        (span) =>
          (settings.onJobStart === "yield" ? yieldable(ticket, restore, turn) : restore(turn)).pipe(
            InsideMark.withinReview(mark),
            Effect.withParentSpan(span)
          )
      )
    })

  const takeTurn = <A, E, R, E2 = never, R2 = never>(
    ticket: Ticket,
    restore: Restore,
    review: Effect.Effect<A, E, R>,
    prepared?: Effect.Effect<void, E2, R2>
  ): Effect.Effect<A | typeof givenBack, E | E2, R | R2> => {
    const turn = inTurn(ticket, restore, review)
    // It never waits here, since a healing gives its permit back before it ends its turn.
    return semaphore.withPermits(1)(prepared === undefined ? turn : Effect.zipRight(prepared, turn))
  }

  const isWaitedFor = ({ inside, live, of }: InsideMark.InsideMark): boolean =>
    live && (inside === "review" || of === running.of)

  const deadlock = (job: JobId): Effect.Effect<HealingDeadlock | undefined> =>
    Effect.map(InsideMark.current, (marks) => {
      const waitedFor = marks.find(isWaitedFor)
      return waitedFor && new HealingDeadlock({ job, inside: waitedFor.inside, outer: waitedFor.name }, unchecked)
    })

  // ---------------------------------------------------------------------------
  // What a screen sees
  // ---------------------------------------------------------------------------

  const inOrder = (count: number): ReadonlyArray<Ticket> =>
    lanes
      .flatMap(({ line }) => line.take(count))
      .sort((a, b) => a.notBefore - b.notBefore || byTurn(a, b))
      .slice(0, count)

  const status: Effect.Effect<HealingStatus> = Effect.map(openClaw.running.get, (state) => {
    const present = now()
    release(present)
    const line = inOrder(MAX_LINE)
    const first = line[0]
    return {
      waiting: waiting(),
      line: line.map(({ calledAt, job, priority, yields }) => ({
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
      holds: Arr.dedupeWith(
        lanes.flatMap((lane) => lane.heldBy(present)),
        (one, other) => one._tag === other._tag
      ),
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
    for (const { line } of lanes) {
      for (const ticket of line) {
        line.remove(ticket)
        ticket.stage = "out"
        ticket.owner.closed(ticket)
      }
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
  yield* Effect.forkScoped(Stream.runForEachChunk(running.everyChange, () => Effect.sync(() => wake.unsafeOpen())))

  return {
    now,
    callers,
    makeLane: () => {
      const lane = new Lane<Ticket>()
      lanes.push(lane)
      return lane
    },
    close: (lane) => {
      lanes.splice(lanes.indexOf(lane), 1)
      notify()
    },
    hold,
    nextPlace: () => places++,
    enter,
    rearrange,
    leave,
    giveTurnBack,
    takeTurn,
    deadlock,
    status: Subscribable.make({
      get: status,
      changes: Stream.unwrapScoped(
        Effect.map(watch, (watcher) => Stream.repeatEffect(statusAfterChange(watcher)))
      ).pipe(Stream.takeUntil(() => closed))
    })
  }
})

const firstNames = (names: Iterable<string>): ReadonlyArray<string> => Arr.fromIterable(Iterable.take(names, MAX_NAMES))
