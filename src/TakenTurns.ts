/**
 * A turn, in the fiber of whoever has it: the last check, the review, and the yield of it.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as HashSet from "effect/HashSet"
import type { HealingSettings } from "./HealingConfig.js"
import type * as HealingMetrics from "./HealingMetrics.js"
import * as Mark from "./Mark.js"
import type { OpenClaw, RunningState } from "./OpenClaw.js"
import type { Ticket } from "./Ticket.js"

/**
 * The end of a turn that was given back before the review had ended.
 *
 * @internal
 */
export const givenBack = Symbol("effect-healing/givenBack")

/** @internal */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** @internal */
export interface TakenTurns {
  /** Interrupts the review of a ticket that may yield. */
  readonly yieldTurn: (ticket: Ticket) => void
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
}

/** @internal */
export const make = (
  settings: HealingSettings,
  openClaw: Context.Tag.Service<OpenClaw>,
  metrics: ReturnType<typeof HealingMetrics.make>,
  now: () => number,
  mayStart: (ticket: Ticket, state: RunningState, at: number) => boolean
): TakenTurns => {
  const semaphore = Effect.unsafeMakeSemaphore(settings.maxConcurrent)
  /** Whose name the interruption of a review bears when it yields. */
  const yielder = FiberId.unsafeMake()

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
      const mark: Mark.Mark = { inside: "review", name: ticket.job, of: openClaw.running, live: true }
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
            Mark.withinReview(mark),
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

  const yieldTurn = (ticket: Ticket) => {
    ticket.interruptible?.unsafeInterruptAsFork(yielder)
    ticket.interruptible = undefined
  }

  return { takeTurn, yieldTurn }
}
