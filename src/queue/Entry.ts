/**
 * A request that is pending or running, as the queue has it in memory, and those who wait for its end.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Gate } from "../gate/Gate.js"
import type { Lane } from "../gate/Lanes.js"
import * as Ticket from "../gate/Ticket.js"
import type { HealingStoreError } from "../HealingError.js"
import { type HealingRequest, isAutomatic } from "../request/HealingRequest.js"
import type { HealError, Review } from "./Review.js"

/**
 * One who waits for the end of a request, in `heal` or `cancel`.
 *
 * @internal
 */
export interface Caller {
  readonly calledAt: number
  /** The monotonic instant after which it waits no longer, unless the request has had its turn by then. */
  deadline: number
  entry: Entry | undefined
  outcome: Effect.Effect<Review, HealError> | undefined
  resume: ((outcome: Effect.Effect<Review, HealError>) => void) | undefined
  /** Whether it would rather hear that the end cannot be written than wait until it can. */
  readonly impatient: boolean
}

/** @internal */
export interface Entry extends Ticket.Ticket {
  request: HealingRequest
  /** The monotonic instant of `waitUntil`; `-Infinity` once it has passed and only callers are left. */
  waitDeadline: number
  callers: Set<Caller> | undefined
  /** What of it is on disk while it is pending, whatever it is to become. */
  written: HealingRequest
  /** Why it was never written. */
  lost: HealingStoreError | undefined
  fiber: Fiber.RuntimeFiber<void> | undefined
  /** Why its review is being interrupted. */
  ending: "timedOut" | "cancelled" | "closed" | undefined
}

/**
 * Those of a job that `mustAwaitEnd` of another review of it are delayed for ever: until they are updated.
 *
 * - `make`: an entry at the next place in the sequence of calls, not in line yet.
 * - `update`: it stands for this request from now on.
 * - `attach`: one more waits for it.
 *
 * @internal
 */
export interface Entries {
  readonly make: (request: HealingRequest, owner: Ticket.Owner<Entry>) => Entry
  readonly update: (entry: Entry, request: HealingRequest) => void
  readonly attach: (entry: Entry, caller: Caller) => void
  readonly makeCaller: (maxWait: number, impatient: boolean) => Caller
}

/** @internal */
export const make = (
  gate: Gate,
  lanes: { readonly manual: Lane<Ticket.Ticket>; readonly automatic: Lane<Ticket.Ticket> },
  toMonotonic: (at: number) => number,
  mustAwaitEnd: (job: string) => boolean,
  reviewTimeout: number
): Entries => {
  const laneOf = (request: HealingRequest) => (isAutomatic(request) ? lanes.automatic : lanes.manual)

  const notBeforeOf = ({ job, notBefore }: HealingRequest): number => {
    if (mustAwaitEnd(job)) return Number.POSITIVE_INFINITY
    return notBefore === null ? Number.NEGATIVE_INFINITY : toMonotonic(notBefore)
  }

  const waitDeadlineOf = ({ waitUntil }: HealingRequest): number =>
    waitUntil === null ? Number.POSITIVE_INFINITY : toMonotonic(waitUntil)

  return {
    make: (request, owner) => {
      const calledAt = gate.now()
      const waitDeadline = waitDeadlineOf(request)
      return {
        ...Ticket.make({
          job: request.job,
          lane: laneOf(request),
          priority: request.priority,
          place: gate.nextPlace(),
          notBefore: notBeforeOf(request),
          deadline: request.callersOnly ? Number.POSITIVE_INFINITY : waitDeadline,
          calledAt,
          limit: reviewTimeout
        }),
        owner,
        request,
        written: request,
        waitDeadline,
        callers: undefined,
        lost: undefined,
        fiber: undefined,
        ending: undefined
      }
    },
    update: (entry, request) =>
      gate.rearrange(entry, () => {
        if (request.waitUntil !== entry.request.waitUntil) entry.waitDeadline = waitDeadlineOf(request)
        entry.request = request
        entry.lane = laneOf(request)
        entry.priority = request.priority
        entry.notBefore = notBeforeOf(request)
        entry.deadline = deadlineOf(entry)
      }),
    attach: (entry, caller) => {
      caller.entry = entry
      if (entry.callers === undefined) entry.callers = new Set()
      entry.callers.add(caller)
      gate.rearrange(entry, () => {
        entry.deadline = deadlineOf(entry)
      })
    },
    makeCaller: (maxWait, impatient) => ({
      calledAt: gate.now(),
      deadline: gate.now() + maxWait,
      entry: undefined,
      outcome: undefined,
      resume: undefined,
      impatient
    })
  }
}

/**
 * The instant at which the first of those who want it gives up.
 *
 * @internal
 */
export const deadlineOf = (entry: Entry): number => {
  if (entry.overdue) return Number.POSITIVE_INFINITY
  let deadline = wantsStill(entry) ? entry.waitDeadline : Number.POSITIVE_INFINITY
  for (const caller of entry.callers ?? []) deadline = Math.min(deadline, caller.deadline)
  return deadline
}

/** Whether it was submitted, and not for a time that has passed. */
const wantsStill = ({ request, waitDeadline }: Entry): boolean =>
  !request.callersOnly && waitDeadline > Number.NEGATIVE_INFINITY

/** @internal */
export const isWanted = (entry: Entry): boolean =>
  wantsStill(entry) || (entry.callers !== undefined && entry.callers.size > 0)

/**
 * Nobody's max wait ends any more, since the review begins.
 *
 * @internal
 */
export const endWaits = (entry: Entry) => {
  entry.waitDeadline = Number.POSITIVE_INFINITY
  for (const caller of entry.callers ?? []) caller.deadline = Number.POSITIVE_INFINITY
}

/** @internal */
export const answer = (caller: Caller, outcome: Effect.Effect<Review, HealError>) => {
  caller.outcome = outcome
  caller.resume?.(outcome)
  caller.resume = undefined
}

/** @internal */
export const answerAll = (entry: Entry, outcome: Effect.Effect<Review, HealError>) => {
  for (const caller of entry.callers ?? []) answer(caller, outcome)
  entry.callers = undefined
}

/** @internal */
export const awaitAnswer = (caller: Caller): Effect.Effect<Review, HealError> =>
  Effect.async((resume) => {
    if (caller.outcome === undefined) caller.resume = resume
    else resume(caller.outcome)
  })
