/**
 * A wish for turns, as the gate knows it.
 *
 * @internal
 */
import type * as Fiber from "effect/Fiber"
import type { HeldBy } from "./HealingError.js"
import type { Lane } from "./Lane.js"
import type { Waiter } from "./Line.js"
import type * as Mark from "./Mark.js"
import type { JobId } from "./OpenClaw.js"

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
  mark: Mark.Mark | undefined
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
