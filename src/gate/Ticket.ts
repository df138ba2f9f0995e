/**
 * A wish for turns, and the turn that it has.
 *
 * @internal
 */
import type { HeldBy } from "../HealingError.js"
import type { InsideMark } from "../running/InsideMark.js"
import type { JobId } from "../running/RunningState.js"
import type { Lane } from "./Lanes.js"
import type { Waiter } from "./Line.js"

/**
 * Who is told what becomes of a ticket. It is told in the middle of a decision, so it must neither wait nor throw.
 *
 * @internal
 */
export interface Owner<T extends Ticket> {
  /** The ticket has a turn: whoever holds it calls `takeTurn` now, or `leave`. */
  granted(ticket: T): void
  /** Its review begins. */
  begun(ticket: T): void
  /** Its deadline has passed. Returns the next one, or `undefined` if the ticket is to leave. */
  deadlinePassed(ticket: T, at: number, heldBy: ReadonlyArray<HeldBy>, ahead: number): number | undefined
  /** Its review has taken as long as it may. */
  timedOut(ticket: T): void
  /** There will be no more turns. */
  closed(ticket: T): void
}

/**
 * A turn, from its grant to its end.
 *
 * @internal
 */
export interface Turn {
  /** The monotonic instant of the grant; once the review has begun, that of the last check. */
  at: number
  /** The monotonic instant at which the review has taken as long as it may; `Infinity` before it begins and once that was told. */
  limitAt: number
  /** Interrupts the review for a job that starts; `undefined` if no job may. */
  giveWay: (() => void) | undefined
  /** How many job instances had been started at the last check. */
  started: number
  /** The mark that those inside of the review bear (R9). */
  mark: InsideMark | undefined
}

/**
 * Where a ticket is: `waiting` in its lane, until it is `granted` a turn; `reviewing` once the fiber of the review has made the
 * last check; `out` before and after.
 *
 * @internal
 */
export type Stage = "out" | "waiting" | "granted" | "reviewing"

/** @internal */
export interface Ticket extends Waiter {
  readonly job: JobId
  readonly owner: Owner<this>
  lane: Lane<Ticket>
  readonly calledAt: number
  stage: Stage
  waitingSince: number
  turn: Turn | undefined
  /** How long a review may run, in milliseconds; `Infinity` for as long as it likes. */
  readonly limit: number
  /** How many turns it has begun a review in. */
  turns: number
  yields: number
}

/**
 * What differs from one ticket to the next.
 *
 * @internal
 */
export type TicketOptions = Pick<
  Ticket,
  "job" | "lane" | "priority" | "place" | "notBefore" | "deadline" | "calledAt" | "limit"
>

/**
 * A ticket that is not in line yet, but for its owner.
 *
 * @internal
 */
export const make = (options: TicketOptions): Omit<Ticket, "owner"> => ({
  job: options.job,
  lane: options.lane,
  priority: options.priority,
  place: options.place,
  notBefore: options.notBefore,
  deadline: options.deadline,
  overdue: false,
  calledAt: options.calledAt,
  stage: "out",
  waitingSince: options.calledAt,
  turn: undefined,
  limit: options.limit,
  turns: 0,
  yields: 0
})
