/**
 * The mechanism behind `HealingService` and `HealingQueue`: in line and out of it, the fiber that decides, and its end.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Subscribable from "effect/Subscribable"
import { HealingDeadlock, unchecked } from "../HealingError.js"
import * as Clocks from "../internal/Clocks.js"
import { forGateOf } from "../running/ForGate.js"
import * as InsideMark from "../running/InsideMark.js"
import { OpenClaw } from "../running/OpenClaw.js"
import type { JobId, RunningState } from "../running/RunningState.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import * as Alarm from "./Alarm.js"
import { Dispatcher } from "./Dispatcher.js"
import * as GateMetrics from "./GateMetrics.js"
import type { HealingStatus } from "./HealingStatus.js"
import { heldBy } from "./HeldBy.js"
import type { Hold, Lane } from "./Lanes.js"
import * as LongHoldWarnings from "./LongHoldWarnings.js"
import * as StatusFeed from "./StatusFeed.js"
import type { Ticket } from "./Ticket.js"
import * as Turn from "./Turn.js"

/**
 * Under this symbol `HealingService` carries its gate, for those who wait in it without a fiber. A member travels with a service that
 * somebody has wrapped (`{ ...service }`).
 *
 * @internal
 */
export const gate: unique symbol = Symbol.for("effect-healing/Gate")

/**
 * What carries it. To those outside of the package the interface is empty.
 */
export interface HasGate {
  /** @internal */
  readonly [gate]: Gate
}

/** @internal */
export interface Gate {
  readonly now: () => number
  /** The lane of those who call `run`, which nothing holds. */
  readonly callers: Lane<Ticket>
  /** Another lane, until it is closed, empty. */
  readonly makeLane: () => Lane<Ticket>
  readonly close: (lane: Lane<Ticket>) => void
  /** Holds a lane back under this name, or no longer. */
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
  readonly takeTurn: Turn.TakeTurn
  /** Since when a source has not known what runs; by the steady clock. */
  readonly unknownSince: (source: string) => number | undefined
  /** The reviews that go on for longer than so many milliseconds after their limit, and since when they run. */
  readonly overdue: (by: number) => ReadonlyArray<{ readonly job: JobId; readonly at: number }>
  /** Decides again, though nothing has happened that it knows of: the machine may have been suspended. */
  readonly look: () => void
  /** Whether there will be no more turns. */
  readonly isClosed: () => boolean
  /** Why the caller may not wait for a healing of the job (R9). */
  readonly deadlock: (job: JobId) => Effect.Effect<HealingDeadlock | undefined>
  readonly status: Subscribable.Subscribable<HealingStatus>
}

const deadlockIn =
  (of: object): Gate["deadlock"] =>
  (job) =>
    Effect.map(InsideMark.current, (marks) => {
      const waitedFor = marks.find((mark) => mark.live && (mark.inside === "review" || mark.of === of))
      return waitedFor && new HealingDeadlock({ job, inside: waitedFor.inside, outer: waitedFor.name }, unchecked)
    })

/**
 * Longer than a screen, since all of it is about the same four things: the dispatcher, the latch that wakes its fiber, the alarm,
 * and whether the gate is closed.
 *
 * @internal
 */
export const make: Effect.Effect<Gate, never, OpenClaw | HealingConfig | Scope.Scope> = Effect.gen(function* () {
  const settings = yield* HealingConfig
  const openClaw = yield* OpenClaw
  const running = forGateOf(openClaw)
  const clock = yield* Effect.clock
  const now = () => Clocks.millis(clock)
  const metrics = GateMetrics.make(settings.queue)
  const quietPeriod = Duration.toMillis(settings.quietPeriod)

  const dispatcher = new Dispatcher(settings)
  const { lanes, turns } = dispatcher
  const callers = lanes.make()
  /** No more than its permits have a turn, so that none of them waits for its own. */
  const semaphore = yield* Effect.makeSemaphore(settings.maxConcurrent)
  const wake = yield* Effect.makeLatch(false)
  const alarm = Alarm.make(clock, () => wake.unsafeOpen())
  const warnOfLongHolds = LongHoldWarnings.make(now)
  const unknownSince = new Map<string, number>()
  let places = 0
  let closed = false

  const quietAt = ({ idleSince }: RunningState): number =>
    idleSince === undefined ? Number.POSITIVE_INFINITY : idleSince + quietPeriod

  const holdsUp = (ticket: Ticket, state: RunningState, at: number) =>
    heldBy(ticket, state, { at, quietAt: quietAt(state) }, dispatcher, settings)

  const feed = StatusFeed.make({ settings, dispatcher, running: openClaw.running.get, heldBy: holdsUp, now })

  const notify = () => {
    metrics.waiting(lanes.waiting)
    metrics.running(turns.size)
    feed.notify()
  }

  // ---------------------------------------------------------------------------
  // The fiber that decides
  // ---------------------------------------------------------------------------

  const nextInstant = (state: RunningState) => dispatcher.nextInstant({ at: now(), quietAt: quietAt(state) })

  const setAlarm: Effect.Effect<void> = Effect.flatMap(openClaw.running.get, (state) => alarm.set(nextInstant(state)))

  const noteUnknown = ({ unknown }: RunningState, at: number) => {
    for (const { name } of unknown) if (!unknownSince.has(name)) unknownSince.set(name, at)
    if (unknownSince.size === unknown.length) return
    const names = new Set(unknown.map(({ name }) => name))
    for (const name of unknownSince.keys()) if (!names.has(name)) unknownSince.delete(name)
  }

  const decide = (state: RunningState) => {
    const at = now()
    noteUnknown(state, at)
    const left = dispatcher.decide({ at, quietAt: quietAt(state), started: state.started }, (ticket) =>
      holdsUp(ticket, state, at)
    )
    for (let i = 0; i < left; i++) metrics.timedOut()
    notify()
  }

  // The latch is closed before anything is decided. Were it closed after the alarm is set, somebody who came meanwhile would not be
  // seen (R4): the sweep of the gate's own fibers finds that.
  const dispatch: Effect.Effect<void> = Effect.flatMap(openClaw.running.get, (state) => {
    wake.unsafeClose()
    decide(state)
    return Effect.zipRight(
      warnOfLongHolds(state, lanes.waiting),
      // Timers are slow: whoever was granted a turn goes first.
      alarm.isSetFor(nextInstant(state)) ? Effect.void : Effect.zipRight(Effect.yieldNow(), setAlarm)
    )
  })

  // ---------------------------------------------------------------------------
  // In line, and out of it
  // ---------------------------------------------------------------------------

  const enter = (ticket: Ticket) => {
    if (closed) {
      ticket.owner.closed(ticket)
    } else {
      dispatcher.enter(ticket, now())
      wake.unsafeOpen()
    }
    notify()
  }

  const rearrange = (ticket: Ticket, change: () => void) => {
    dispatcher.rearrange(ticket, change)
    if (ticket.stage === "waiting") wake.unsafeOpen()
  }

  const endTurn = (ticket: Ticket) => {
    if (ticket.stage === "reviewing" && ticket.turn !== undefined) metrics.ran(now() - ticket.turn.at)
    dispatcher.leave(ticket)
  }

  const giveTurnBack = (ticket: Ticket) => {
    endTurn(ticket)
    enter(ticket)
  }

  const leave = (ticket: Ticket) => {
    endTurn(ticket)
    // Somebody may have the turn, or the alarm nobody to ring for.
    if (lanes.waiting > 0 || !alarm.isSetFor(Number.POSITIVE_INFINITY)) wake.unsafeOpen()
    notify()
  }

  const hold: Gate["hold"] = (lane, name, hold) => {
    lane.hold(name, hold)
    wake.unsafeOpen()
    notify()
  }

  // ---------------------------------------------------------------------------
  // Its life
  // ---------------------------------------------------------------------------

  const close = Effect.sync(() => {
    closed = true
    dispatcher.close()
    notify()
    feed.end()
  })

  yield* Effect.addFinalizer(() => close)
  // `Effect.forever` would let all other fibers run first before it looks again.
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
    makeLane: () => lanes.make(),
    close: (lane) => {
      lanes.close(lane)
      notify()
    },
    hold,
    nextPlace: () => places++,
    enter,
    rearrange,
    leave,
    giveTurnBack,
    takeTurn: Turn.make({
      settings,
      semaphore,
      running: openClaw.running.get,
      quietAt,
      of: running.of,
      now,
      metrics
    }),
    unknownSince: (source) => unknownSince.get(source),
    overdue: (by) =>
      Array.from(turns).flatMap(({ job, limit, stage, turn }) =>
        stage === "reviewing" && turn !== undefined && now() - turn.at > limit + by ? [{ job, at: turn.at }] : []
      ),
    look: () => wake.unsafeOpen(),
    isClosed: () => closed,
    deadlock: deadlockIn(running.of),
    status: feed.status
  }
})
