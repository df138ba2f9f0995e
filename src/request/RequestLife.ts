/**
 * The life of a request: its states, and each step from one to the next. All of it is pure.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import { type HealingRequest, idOf, isAutomatic, type RequestState } from "./HealingRequest.js"
import type { Report } from "./Report.js"

/**
 * One wish, before it has become a request or part of one.
 *
 * @internal
 */
export interface Wish
  extends Pick<HealingRequest, "job" | "priority" | "runId" | "note" | "callersOnly" | "waitUntil" | "cooldown"> {
  readonly trigger: string
  /** `null` if it is not known, or nothing of which the same may come again. */
  readonly signature: string | null
}

/**
 * The signature of a failure that cannot be told from others.
 *
 * @internal
 */
export const UNKNOWN_FAILURE = "unknown"

const MAX_SIGNATURES = 16

const signaturesOf = ({ signature, trigger }: Wish): ReadonlyArray<string> =>
  signature !== null ? [signature] : trigger === "failure" ? [UNKNOWN_FAILURE] : []

const allSignatures = (one: ReadonlyArray<string>, other: ReadonlyArray<string>): ReadonlyArray<string> => {
  const all = Arr.dedupe([...one, ...other])
  return all.length > MAX_SIGNATURES ? [UNKNOWN_FAILURE, ...all.slice(1 - MAX_SIGNATURES)] : all
}

const MAX_TRIGGERS = 16

const MAX_STARTS = 16

const MAX_REASON = 2000

// -----------------------------------------------------------------------------
// Its life
//
//   from      what happens                                                       to
//   -         a wish for a job without a pending request                        pending
//   pending   another wish for the job (R14)                                    pending, with what both want
//   pending   its turn has come                                                 running, before the review begins
//   pending   its max wait has passed                                           skipped
//   running   the turn is given back: a job runs after all, a yield (R10),      pending, no attempt counted
//             a rate limit, a clean shutdown
//   running   the review fails and is worth another try, or was cut off by      pending, the attempt counted
//             the death of its process
//   running   the review fails for good, or `maxAttempts` of them have          failed
//   running   the reviewer sees no reason for a review                          skipped
//   running   the review ends with a report                                     completed
//   pending,  `cancel`; the last caller of `heal` goes; a restart, if only      cancelled
//   running   callers of `heal` wanted it
//   pending   the running request of its job goes back to pending (R14)         coalesced into that one, which
//                                                                               carries the wishes of both
//
// The last five states are final.
// -----------------------------------------------------------------------------

/** @internal */
export const accept = (number: number, wish: Wish, at: number, notBefore: number | null): HealingRequest => ({
  id: idOf(wish.job, number),
  number,
  job: wish.job,
  state: "pending",
  priority: wish.priority,
  triggers: [wish.trigger],
  runId: wish.runId,
  note: wish.note,
  callersOnly: wish.callersOnly,
  submittedAt: at,
  notBefore,
  waitUntil: wish.waitUntil,
  attempts: 0,
  starts: [],
  endedAt: null,
  reason: null,
  coalescedInto: null,
  report: null,
  cooldown: wish.cooldown,
  signatures: signaturesOf(wish)
})

/** The later of two ends of a wait, of which `null` is none. */
const later = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? null : Math.max(one, other)

/** The wait that counts: of those that were submitted, since callers have their own. */
const longestWait = (
  one: Pick<HealingRequest, "callersOnly" | "waitUntil">,
  other: Pick<HealingRequest, "callersOnly" | "waitUntil">
): number | null =>
  one.callersOnly ? other.waitUntil : other.callersOnly ? one.waitUntil : later(one.waitUntil, other.waitUntil)

const allTriggers = (
  one: HealingRequest["triggers"],
  other: HealingRequest["triggers"]
): HealingRequest["triggers"] => {
  const all = Arr.dedupe(Arr.appendAll(one, other))
  // The trigger `manual` is never crowded out: it exempts the request from limits.
  const [first, ...others] = isAutomatic({ triggers: all }) ? all : Arr.dedupe(Arr.prepend(all, "manual"))
  return [first, ...others.slice(0, MAX_TRIGGERS - 1)]
}

/**
 * Another wish for the job of a pending request. One by hand lifts what it has to wait for.
 *
 * @internal
 */
export const coalesce = (pending: HealingRequest, wish: Wish): HealingRequest => ({
  ...pending,
  priority: Math.max(pending.priority, wish.priority),
  triggers: allTriggers(pending.triggers, [wish.trigger]),
  runId: wish.runId ?? pending.runId,
  note: wish.note ?? pending.note,
  callersOnly: pending.callersOnly && wish.callersOnly,
  notBefore: wish.trigger === "manual" ? null : pending.notBefore,
  waitUntil: longestWait(pending, wish),
  cooldown: wish.cooldown ?? pending.cooldown,
  signatures: allSignatures(pending.signatures, signaturesOf(wish))
})

/**
 * Its turn has come. With that its wait is over for good.
 *
 * @internal
 */
export const begin = (pending: HealingRequest, at: number): HealingRequest => ({
  ...pending,
  state: "running",
  notBefore: null,
  waitUntil: null,
  reason: null,
  starts: [...pending.starts, at].slice(-MAX_STARTS)
})

/**
 * Its review has seen no reason for one, and does not count as begun.
 *
 * @internal
 */
export const needless = (running: HealingRequest): HealingRequest => ({
  ...running,
  starts: running.starts.slice(0, -1)
})

/**
 * Its review was interrupted and is to be done again.
 *
 * @internal
 */
export const giveBack = (running: HealingRequest): HealingRequest => ({ ...running, state: "pending" })

/**
 * What it is about is not there yet.
 *
 * @internal
 */
export const postpone = (running: HealingRequest, notBefore: number | null, reason: string): HealingRequest => ({
  ...running,
  state: "pending",
  notBefore,
  reason: reason.slice(0, MAX_REASON)
})

/**
 * Its review has failed, or was cut off, and is to be done again.
 *
 * @internal
 */
export const retry = (running: HealingRequest, notBefore: number | null): HealingRequest => ({
  ...running,
  state: "pending",
  attempts: running.attempts + 1,
  notBefore
})

/** @internal */
export const complete = (running: HealingRequest, at: number, report: Report): HealingRequest => ({
  ...running,
  state: "completed",
  endedAt: at,
  report
})

/** @internal */
export const fail = (running: HealingRequest, at: number, reason: string): HealingRequest => ({
  ...end(running, "failed", at, reason),
  attempts: running.attempts + 1
})

/** @internal */
export const end = (
  request: HealingRequest,
  state: "failed" | "skipped" | "cancelled",
  at: number,
  reason: string
): HealingRequest => ({ ...request, state, endedAt: at, reason: reason.slice(0, MAX_REASON) })

/**
 * Merges two requests for one job, the one that goes back to pending and the one that has come after it: returns what the first
 * becomes, and what the second ends as.
 *
 * @internal
 */
export const merge = (
  older: HealingRequest,
  newer: HealingRequest,
  at: number
): readonly [pending: HealingRequest, coalesced: HealingRequest] => [
  {
    ...older,
    priority: Math.max(older.priority, newer.priority),
    triggers: allTriggers(older.triggers, newer.triggers),
    runId: newer.runId ?? older.runId,
    note: newer.note ?? older.note,
    callersOnly: older.callersOnly && newer.callersOnly,
    waitUntil: longestWait(older, newer),
    cooldown: newer.cooldown ?? older.cooldown,
    signatures: allSignatures(older.signatures, newer.signatures)
  },
  { ...newer, state: "coalesced", endedAt: at, coalescedInto: older.id }
]

/**
 * Its end as the outbox keeps it.
 *
 * @internal
 */
export const factOf = (from: RequestState | null, { endedAt, number, state, submittedAt }: HealingRequest) => ({
  at: endedAt ?? submittedAt,
  request: number,
  position: null,
  from,
  to: state,
  door: null
})
