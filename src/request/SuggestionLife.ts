/**
 * The life of a suggestion: its states, and each step from one to the next. All of it is pure.
 *
 * @internal
 */
import { type HealingRequest, instant } from "./HealingRequest.js"
import {
  type Actor,
  type Approval,
  type HealingSuggestion,
  type SuggestionState,
  type SuggestionStep,
  suggestionId,
  type Watch
} from "./HealingSuggestion.js"

const DAY = 86_400_000

/** How long before its end a suggestion is warned of. */
const WARNING = DAY

// -----------------------------------------------------------------------------
// Its life
//
//   from       what happens                                                      to
//   -          its review is completed, in the same transaction                  pending
//   pending    its end is less than a day away                                   pending, warned of
//   pending    a person wants what the seal stands for, or a rule is for it      approved
//   pending    a person says that they have done it by hand; it changes no file  applied
//   pending    a person does not want it                                         rejected
//   approved   a person has changed their mind                                   pending
//   approved   it is to be applied, and is not what was approved any more        pending
//   approved   a person or a rule applies it                                     applying
//   applying   its job runs for too long, or it was interrupted before its file  approved
//              was written
//   applying   its file is written                                               applied
//   applying   its file was edited meanwhile, or cannot be told                  failed
//   applied    the runs after it are good                                        confirmed
//   applied    its job fails again, for a cause that the review was about        relapsed
//   applied    its job fails for another cause, or nothing was seen in time      inconclusive
//   applied, confirmed, relapsed, inconclusive                                   rolled_back
//              a person takes it back, or a rule what it has applied
//   pending,   its time is over                                                  expired
//   approved   a newer completed review of the job proposes a content for the    superseded
//              same file, in the transaction that completes that review
//              its file is found to be as it proposes                            applied
//
// Those that nothing leads out of are final.
// -----------------------------------------------------------------------------

const BY_REVIEW: Actor = { who: "effect-healing", door: "review" }

const BY_CLOCK: Actor = { who: "effect-healing", door: "clock" }

const BY_FILE: Actor = { who: "effect-healing", door: "file" }

const BY_WATCH: Actor = { who: "effect-healing", door: "watch" }

const RULE = "rule"

/**
 * Doors through which nobody comes from outside.
 *
 * @internal
 */
export const OWN_DOORS: ReadonlyArray<string> = ["clock", "review", "file", "watch", "recovery", RULE]

/** @internal */
export const BY_RECOVERY: Actor = { who: "effect-healing", door: "recovery" }

/**
 * A step that somebody takes: when, who, and why, if they said so.
 *
 * @internal
 */
export interface Taken {
  readonly at: number
  readonly by: Actor
  readonly reason?: string | null | undefined
}

const enter = (
  suggestion: HealingSuggestion,
  state: SuggestionState,
  { at, by, reason }: Taken,
  others: Partial<HealingSuggestion> = {}
): HealingSuggestion => ({
  ...suggestion,
  state,
  changedAt: at,
  by,
  reason: reason ?? null,
  expiresAt: null,
  ...others
})

/**
 * Those of a review that was completed, which can be decided on for so many milliseconds.
 *
 * @internal
 */
export const propose = (completed: HealingRequest, at: number, term: number): ReadonlyArray<HealingSuggestion> =>
  (completed.report?.suggestions ?? []).map((suggestion, index) => {
    const key = { request: completed.number, position: index + 1 }
    return {
      ...key,
      id: suggestionId(completed.job, key),
      job: completed.job,
      state: "pending",
      suggestion,
      signatures: completed.signatures,
      proposedAt: at,
      changedAt: at,
      expiresAt: endOf(at, term),
      warnedAt: null,
      approval: null,
      watch: null,
      by: BY_REVIEW,
      reason: null,
      supersededBy: null,
      isOld: false
    }
  })

const endOf = (at: number, term: number): number => instant(at + term)

/**
 * It can be applied for so many milliseconds.
 *
 * @internal
 */
export const approve = (
  pending: HealingSuggestion,
  approval: Approval,
  reason: string | undefined,
  term: number
): HealingSuggestion =>
  enter(pending, "approved", { ...approval, reason }, { approval, expiresAt: endOf(approval.at, term) })

/** It is watched for so many milliseconds. */
const watched = (at: number, watchTerm: number, logs: Watch["logs"] = null): Partial<HealingSuggestion> => ({
  expiresAt: endOf(at, watchTerm),
  watch: { since: at, good: [], logs }
})

/** @internal */
export const doneByHand = (
  pending: HealingSuggestion,
  approval: Approval,
  reason: string | undefined,
  watchTerm: number
): HealingSuggestion => {
  const taken = { ...approval, reason: reason ?? "done by hand" }
  return enter(pending, "applied", taken, { approval, ...watched(approval.at, watchTerm) })
}

/**
 * It was done by somebody, who has not said so.
 *
 * @internal
 */
export const foundApplied = (open: HealingSuggestion, at: number, watchTerm: number): HealingSuggestion => {
  const taken = { at, by: BY_FILE, reason: "the file was found to be as it proposes" }
  return enter(open, "applied", taken, watched(at, watchTerm))
}

/** @internal */
export const reject = (pending: HealingSuggestion, taken: Taken): HealingSuggestion => enter(pending, "rejected", taken)

/**
 * It can be decided on anew, for so many milliseconds.
 *
 * @internal
 */
export const reopen = (approved: HealingSuggestion, taken: Taken, term: number): HealingSuggestion =>
  enter(approved, "pending", taken, { approval: null, warnedAt: null, expiresAt: endOf(taken.at, term) })

/**
 * It does not expire meanwhile, and has as much time as before if it comes to nothing.
 *
 * @internal
 */
export const begin = (approved: HealingSuggestion, taken: Taken): HealingSuggestion =>
  enter(approved, "applying", taken, { expiresAt: approved.expiresAt })

/** @internal */
export const giveBack = (applying: HealingSuggestion, taken: Taken): HealingSuggestion =>
  enter(applying, "approved", taken, { expiresAt: applying.expiresAt })

/**
 * - `logs`: how long the logs of its job were before the change, if that is known.
 *
 * @internal
 */
export const apply = (
  applying: HealingSuggestion,
  taken: Taken,
  watchTerm: number,
  logs: Watch["logs"] = null
): HealingSuggestion => enter(applying, "applied", taken, watched(taken.at, watchTerm, logs))

/**
 * A rule as who does something.
 *
 * @internal
 */
export const byRule = (name: string): Actor => ({ who: name, door: RULE })

/**
 * Whether a rule has approved it. Nobody else comes through that door.
 *
 * @internal
 */
export const isByRule = ({ approval }: HealingSuggestion): boolean => approval?.by.door === RULE

/**
 * Whether one that is applied was so by a rule: what a person has applied is theirs, whoever has approved it. After a crash it is not known
 * who has.
 *
 * @internal
 */
export const isAppliedByRule = (applied: HealingSuggestion): boolean =>
  isByRule(applied) && [RULE, BY_RECOVERY.door].includes(applied.by.door)

/**
 * Whether somebody has decided something with a step: that it was proposed, or warned of, is no decision.
 *
 * @internal
 */
export const isDecision = ({ from, to }: SuggestionStep): boolean => from !== null && from !== to

/**
 * What is to be said of it after its change.
 *
 * @internal
 */
export type Verdict = "confirmed" | "relapsed" | "inconclusive"

/** @internal */
export const judge = (applied: HealingSuggestion, verdict: Verdict, at: number, reason: string): HealingSuggestion =>
  enter(applied, verdict, { at, by: BY_WATCH, reason })

/**
 * Those that can be taken back.
 *
 * @internal
 */
export const IN_FORCE: ReadonlyArray<SuggestionState> = ["applied", "confirmed", "relapsed", "inconclusive"]

/** @internal */
export const fail = (applying: HealingSuggestion, taken: Taken): HealingSuggestion => enter(applying, "failed", taken)

/** @internal */
export const rollBack = (applied: HealingSuggestion, taken: Taken): HealingSuggestion =>
  enter(applied, "rolled_back", taken)

/**
 * Its time is over.
 *
 * @internal
 */
export const expire = (one: HealingSuggestion, at: number): HealingSuggestion =>
  one.state === "applied"
    ? judge(one, "inconclusive", at, "too little was seen of its job in time")
    : enter(one, "expired", {
        at,
        by: BY_CLOCK,
        reason: one.state === "approved" ? "nobody has applied it in time" : "nobody has decided on it in time"
      })

/**
 * It has a day more from now on at least: the process may have been down when it was to be warned of.
 *
 * @internal
 */
export const warn = (pending: HealingSuggestion, at: number): HealingSuggestion => ({
  ...pending,
  expiresAt: Math.max(pending.expiresAt ?? 0, at + WARNING),
  warnedAt: at,
  by: BY_CLOCK
})

/**
 * Whether it can still be decided on or applied.
 *
 * @internal
 */
export const isOpen = ({ state }: Pick<HealingSuggestion, "state">): boolean =>
  state === "pending" || state === "approved"

/**
 * Whether its time can be over: nothing is done with its file now.
 *
 * @internal
 */
export const hasTerm = (suggestion: Pick<HealingSuggestion, "state">): boolean =>
  isOpen(suggestion) || suggestion.state === "applied"

/**
 * Whether the newer one takes the place of the older one.
 *
 * @internal
 */
export const supersedes = (newer: HealingSuggestion, older: HealingSuggestion): boolean =>
  isOpen(older) &&
  older.job === newer.job &&
  older.request < newer.request &&
  newer.suggestion.proposedContent !== null &&
  newer.suggestion.targetFile !== null &&
  newer.suggestion.targetFile === older.suggestion.targetFile

/** @internal */
export const supersede = (older: HealingSuggestion, newer: HealingSuggestion): HealingSuggestion =>
  enter(older, "superseded", { at: newer.proposedAt, by: BY_REVIEW }, { supersededBy: newer.id })

/**
 * The clock was set by so many milliseconds: its end stays as far away as it was, and its change as long ago.
 *
 * @internal
 */
export const move = (suggestion: HealingSuggestion, by: number): HealingSuggestion =>
  suggestion.expiresAt === null || !(hasTerm(suggestion) || suggestion.state === "applying")
    ? suggestion
    : {
        ...suggestion,
        expiresAt: suggestion.expiresAt + by,
        watch:
          suggestion.watch !== null && suggestion.state === "applied"
            ? { ...suggestion.watch, since: suggestion.watch.since + by }
            : suggestion.watch
      }

/** @internal */
export const stepOf = (from: SuggestionState | null, to: HealingSuggestion): Omit<SuggestionStep, "number"> => ({
  id: to.id,
  at: from === to.state && to.warnedAt !== null ? to.warnedAt : to.changedAt,
  from,
  to: to.state,
  by: to.by,
  reason: to.reason,
  approval: to.approval
})

/**
 * The step as the outbox keeps it.
 *
 * @internal
 */
export const factOf = (from: SuggestionState | null, to: HealingSuggestion) => ({
  at: stepOf(from, to).at,
  request: to.request,
  position: to.position,
  from,
  to: to.state,
  door: to.by.door
})

/**
 * When it is to be warned of, or its time is over.
 *
 * @internal
 */
export const dueAt = (suggestion: Due): number | null =>
  suggestion.expiresAt === null || !hasTerm(suggestion)
    ? null
    : suggestion.expiresAt - (isToBeWarnedOf(suggestion) ? WARNING : 0)

type Due = Pick<HealingSuggestion, "expiresAt" | "isOld" | "state" | "warnedAt">

/**
 * Nobody is warned of one that a person has approved.
 *
 * @internal
 */
export const isToBeWarnedOf = ({ isOld, state, warnedAt }: Omit<Due, "expiresAt">): boolean =>
  warnedAt === null && !isOld && state === "pending"
