/**
 * A turn in the fiber of its holder: the last check, the review, and giving way to a job that starts.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as HashSet from "effect/HashSet"
import * as InsideMark from "../running/InsideMark.js"
import type { RunningState } from "../running/RunningState.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import { mayStart } from "./Dispatcher.js"
import type { GateMetrics } from "./GateMetrics.js"
import type { Ticket, Turn } from "./Ticket.js"

/**
 * How a turn ends that is given back before its review has ended.
 *
 * @internal
 */
export const givenBack = Symbol("effect-healing/givenBack")

/** @internal */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * Does the review of a ticket that was granted, after what is to be `prepared`, and directly after the last check: a turn
 * that was `givenBack` is still to be left or given back. To be run uninterruptibly.
 *
 * @internal
 */
export type TakeTurn = <A, E, R, E2 = never, R2 = never>(
  ticket: Ticket,
  restore: Restore,
  review: Effect.Effect<A, E, R>,
  prepared?: Effect.Effect<void, E2, R2>
) => Effect.Effect<A | typeof givenBack, E | E2, R | R2>

/**
 * - `quietAt`: from when on this running state lets reviews start.
 * - `of`: what the marks of those inside of a review bear.
 *
 * @internal
 */
export interface TurnOptions {
  readonly settings: Pick<HealingSettings, "maxYields" | "onJobStart">
  readonly semaphore: Effect.Semaphore
  readonly running: Effect.Effect<RunningState>
  readonly quietAt: (state: RunningState) => number
  readonly of: object
  readonly now: () => number
  readonly metrics: GateMetrics
}

/** @internal */
export const make = ({ metrics, now, of, quietAt, running, semaphore, settings }: TurnOptions): TakeTurn => {
  const canYield = settings.onJobStart === "yield"
  /** Whose name the interruption of a review bears when it yields. */
  const yielder = FiberId.unsafeMake()

  const yielded = (ticket: Ticket) => {
    ticket.yields++
    metrics.yielded()
  }

  const begin = (ticket: Ticket, turn: Turn, started: number, fiber: Fiber.RuntimeFiber<unknown, unknown>): void => {
    ticket.stage = "reviewing"
    turn.at = now()
    // The wait of a healing, and with it its deadline, ends with its first turn.
    if (ticket.turns++ === 0) metrics.waited(turn.at - ticket.calledAt)
    ticket.deadline = Number.POSITIVE_INFINITY
    turn.limitAt = turn.at + ticket.limit
    if (canYield && !ticket.overdue && ticket.yields < settings.maxYields) {
      turn.started = started
      turn.giveWay = () => fiber.unsafeInterruptAsFork(yielder)
    }
    ticket.owner.begun(ticket)
  }

  /** The last check, and the review as the very next thing if it succeeds (R2). */
  const checked = <A, E, R>(
    ticket: Ticket,
    turn: Turn,
    review: Effect.Effect<A, E, R>
  ): Effect.Effect<A | typeof givenBack, E, R> =>
    Effect.withFiberRuntime<A | typeof givenBack, E, R>((fiber) =>
      // The check is made in the function given to `flatMap`. A function given to `map` would run one op after the state is read, and
      // a job could start between the two.
      Effect.flatMap(running, (state): Effect.Effect<A | typeof givenBack, E, R> => {
        const at = now()
        if (ticket.lane.isHeldForGranted(at) || !mayStart(ticket, { at, quietAt: quietAt(state) })) {
          return Effect.as(Effect.annotateCurrentSpan("healing.given_back", true), givenBack)
        }
        begin(ticket, turn, state.started, fiber)
        return review
      })
    )

  const inTurn = <A, E, R>(
    ticket: Ticket,
    restore: Restore,
    review: Effect.Effect<A, E, R>
  ): Effect.Effect<A | typeof givenBack, E, R> =>
    Effect.suspend(() => {
      const { turn } = ticket
      if (turn === undefined) return Effect.dieMessage(`"${ticket.job}" has no turn to take`)
      const mark: InsideMark.InsideMark = { inside: "review", name: ticket.job, of, live: true }
      turn.mark = mark
      const attempt = checked(ticket, turn, review)
      return Effect.useSpan(
        "HealingService.run",
        {
          attributes: {
            "healing.job": ticket.job,
            "healing.priority": ticket.priority,
            "healing.wait_ms": Math.round(turn.at - ticket.waitingSince),
            "healing.yields": ticket.yields
          },
          captureStackTrace: false
        },
        (span) =>
          (canYield ? inChild(attempt, restore, yielder, () => yielded(ticket)) : restore(attempt)).pipe(
            InsideMark.withinReview(mark),
            Effect.withParentSpan(span)
          )
      )
    })

  return (ticket, restore, review, prepared) => {
    const turn = inTurn(ticket, restore, review)
    // It never waits here, since a healing gives its permit back before it ends its turn.
    //
    // Whoever splits this or `run` keeps `withPermits` uninterruptible, outside of `restore`. It takes its permit in an op of its own:
    // an interruption that is heard between that and the next op loses the permit for good. The turn comes back all the same, so the
    // next ticket is granted, and waits here for ever: the sweep of interruptions hangs at those few ops.
    return semaphore.withPermits(1)(prepared === undefined ? turn : Effect.zipRight(prepared, turn))
  }
}

/**
 * Runs the review in a child fiber, so that a job that starts can interrupt it without its caller (R10). `yielded` is told if one has:
 * the interruption bears the name of the `yielder`.
 */
const inChild = <A, E, R>(
  review: Effect.Effect<A | typeof givenBack, E, R>,
  restore: Restore,
  yielder: FiberId.FiberId,
  yielded: () => void
): Effect.Effect<A | typeof givenBack, E, R> =>
  Effect.gen(function* () {
    const child = yield* Effect.fork(restore(review))
    const awaited = yield* Effect.exit(restore(Fiber.await(child)))
    if (Exit.isFailure(awaited)) {
      const exit = yield* Fiber.interrupt(child)
      return yield* Effect.failCause(Exit.isFailure(exit) ? Cause.parallel(awaited.cause, exit.cause) : awaited.cause)
    }
    if (isInterruptedBy(awaited.value, yielder)) {
      yielded()
      return yield* Effect.as(Effect.annotateCurrentSpan("healing.yielded", true), givenBack)
    }
    yield* Fiber.inheritAll(child)
    return yield* awaited.value
  })

const isInterruptedBy = (exit: Exit.Exit<unknown, unknown>, fiber: FiberId.FiberId): boolean =>
  Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) && HashSet.has(Cause.interruptors(exit.cause), fiber)
