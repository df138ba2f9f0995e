/**
 * The mechanism behind `HealingService` and `HealingQueue`: who waits, whose turn it is, and what happens in a turn.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Iterable from "effect/Iterable"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Subscribable from "effect/Subscribable"
import * as Alarm from "./Alarm.js"
import { HealingConfig } from "./HealingConfig.js"
import { HealingDeadlock, type HeldBy, MAX_NAMES } from "./HealingError.js"
import * as HealingMetrics from "./HealingMetrics.js"
import type { HealingStatus } from "./HealingStatus.js"
import * as HoldUps from "./HoldUps.js"
import { type Hold, Lane } from "./Lane.js"
import { Lanes } from "./Lanes.js"
import * as Mark from "./Mark.js"
import * as Monotonic from "./Monotonic.js"
import { everyChange, type JobId, OpenClaw, type RunningState } from "./OpenClaw.js"
import * as TakenTurns from "./TakenTurns.js"
import type { Ticket } from "./Ticket.js"

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
  readonly takeTurn: TakenTurns.TakenTurns["takeTurn"]
  /** Why the caller may not wait for a healing of the job (R9). */
  readonly deadlock: (job: JobId) => Effect.Effect<HealingDeadlock | undefined>
  readonly status: Subscribable.Subscribable<HealingStatus>
}

// A name that is no string after all, from a caller without types, is not to break the gate.
const unchecked = { disableValidation: true }

const MAX_LINE = 100

const MAX_PASSED = 100

/** @internal */
export const make: Effect.Effect<Gate, never, OpenClaw | HealingConfig | Scope.Scope> = Effect.gen(function* () {
  const settings = yield* HealingConfig
  const openClaw = yield* OpenClaw
  const clock = yield* Effect.clock
  const now = () => Monotonic.millis(clock)
  const metrics = HealingMetrics.make(settings.queue)
  const quietPeriod = Duration.toMillis(settings.quietPeriod)

  const callers = new Lane<Ticket>()
  const lanes = new Lanes<Ticket>(callers)
  /** Those who have a turn: never more than there are permits, so that none of them waits for its own. */
  const turns = new Set<Ticket>()
  const wake = yield* Effect.makeLatch(false)
  const alarm = Alarm.make(clock, () => wake.unsafeOpen())
  const tellOfHoldUps = HoldUps.make(now)
  const watchers = new Set<Effect.Latch>()
  let places = 0
  let closed = false

  const notify = () => {
    metrics.waiting(lanes.waiting)
    metrics.running(turns.size)
    for (const watcher of watchers) watcher.unsafeOpen()
  }

  // ---------------------------------------------------------------------------
  // What the running state allows
  // ---------------------------------------------------------------------------

  const quietAt = (state: RunningState): number =>
    state.idleSince === undefined ? Number.POSITIVE_INFINITY : state.idleSince + quietPeriod

  const mayStart = (ticket: Ticket, state: RunningState, at: number): boolean => ticket.overdue || quietAt(state) <= at

  const { takeTurn, yieldTurn } = TakenTurns.make(settings, openClaw, metrics, now, mayStart)

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

  const grantTurns = (state: RunningState, at: number) => {
    while (settings.enabled && turns.size < settings.maxConcurrent) {
      const first = lanes.nextUp(at)
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
      if (ticket.interruptible !== undefined && ticket.started < state.started) yieldTurn(ticket)
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
      const ticket = lanes.mostUrgent
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
        const before = lanes.ahead(ticket)
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
    lanes.release(at)
    do {
      grantTurns(state, at)
      yieldTurns(state)
    } while (passDeadlines(state, at))
    passLimits(at)
    notify()
  }

  /** When to decide again if nothing happens before: at a deadline, at a limit, or when somebody may go. */
  const nextInstant = (state: RunningState): number => {
    let next = lanes.mostUrgent?.deadline ?? Number.POSITIVE_INFINITY
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
      tellOfHoldUps(state, lanes.waiting),
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
    if (lanes.waiting > 0 || !alarm.isSetFor(Number.POSITIVE_INFINITY)) wake.unsafeOpen()
    notify()
  }

  const hold = (lane: Lane<Ticket>, name: string, held: Hold | undefined) => {
    if (held === undefined) lane.holds.delete(name)
    else lane.holds.set(name, held)
    wake.unsafeOpen()
    notify()
  }

  // ---------------------------------------------------------------------------
  // Who would wait for itself
  // ---------------------------------------------------------------------------

  const isWaitedFor = ({ inside, live, of }: Mark.Mark): boolean =>
    live && (inside === "review" || of === openClaw.running)

  const deadlock = (job: JobId): Effect.Effect<HealingDeadlock | undefined> =>
    Effect.map(Mark.current, (marks) => {
      const waitedFor = marks.find(isWaitedFor)
      return waitedFor && new HealingDeadlock({ job, inside: waitedFor.inside, outer: waitedFor.name }, unchecked)
    })

  // ---------------------------------------------------------------------------
  // What a screen sees
  // ---------------------------------------------------------------------------

  const status: Effect.Effect<HealingStatus> = Effect.map(openClaw.running.get, (state) => {
    const present = now()
    lanes.release(present)
    const line = lanes.take(MAX_LINE)
    const first = line[0]
    return {
      waiting: lanes.waiting,
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
      holds: lanes.heldBy(present),
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
  yield* Effect.forkScoped(
    Stream.runForEachChunk(everyChange(openClaw.running), () => Effect.sync(() => wake.unsafeOpen()))
  )

  return {
    now,
    callers,
    makeLane: () => {
      const lane = new Lane<Ticket>()
      lanes.add(lane)
      return lane
    },
    close: (lane) => {
      lanes.delete(lane)
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
