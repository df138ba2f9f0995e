/**
 * The life of a suggestion: its states, and each step from one to the next. All of it is pure.
 *
 * @internal
 */
import { type HealingRequest, instant } from "./HealingRequest.js"
import {
  type Actor,
  type HealingSuggestion,
  type SuggestionState,
  type SuggestionStep,
  suggestionId
} from "./HealingSuggestion.js"

const DAY = 86_400_000

/** For how long one can be decided on, in milliseconds. */
const TERM = 14 * DAY

/** How long before its end a suggestion is warned of. */
const WARNING = DAY

// -----------------------------------------------------------------------------
// Its life
//
//   from       what happens                                                      to
//   -          its review is completed, in the same transaction                  pending
//   pending    its end is less than a day away                                   pending, warned of
//   pending    a person does not want it                                         rejected
//   pending    nobody has decided in time                                        expired
//   pending    a newer completed review of the job proposes a content for the    superseded
//              same file, in the transaction that completes that review
//
// The last three states are final.
// -----------------------------------------------------------------------------

const BY_REVIEW: Actor = { who: "effect-healing", door: "review" }

const BY_CLOCK: Actor = { who: "effect-healing", door: "clock" }

/**
 * Those of a review that was completed.
 *
 * @internal
 */
export const propose = (completed: HealingRequest, at: number): ReadonlyArray<HealingSuggestion> =>
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
      expiresAt: instant(at + TERM),
      warnedAt: null,
      by: BY_REVIEW,
      reason: null,
      supersededBy: null,
      isOld: false
    }
  })

const end = (
  suggestion: HealingSuggestion,
  state: "rejected" | "expired" | "superseded",
  at: number,
  by: Actor,
  reason: string | null
): HealingSuggestion => ({ ...suggestion, state, changedAt: at, expiresAt: null, by, reason })

/** @internal */
export const reject = (
  pending: HealingSuggestion,
  at: number,
  by: Actor,
  reason: string | undefined
): HealingSuggestion => end(pending, "rejected", at, by, reason ?? null)

/** @internal */
export const expire = (pending: HealingSuggestion, at: number): HealingSuggestion =>
  end(pending, "expired", at, BY_CLOCK, "nobody has decided on it in time")

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
 * Whether the newer one takes the place of the older one.
 *
 * @internal
 */
export const supersedes = (newer: HealingSuggestion, older: HealingSuggestion): boolean =>
  older.state === "pending" &&
  older.job === newer.job &&
  older.request < newer.request &&
  newer.suggestion.proposedContent !== null &&
  newer.suggestion.targetFile !== null &&
  newer.suggestion.targetFile === older.suggestion.targetFile

/** @internal */
export const supersede = (older: HealingSuggestion, newer: HealingSuggestion): HealingSuggestion => ({
  ...end(older, "superseded", newer.proposedAt, BY_REVIEW, null),
  supersededBy: newer.id
})

/**
 * The clock was set by so many milliseconds: its end stays as far away as it was.
 *
 * @internal
 */
export const move = (suggestion: HealingSuggestion, by: number): HealingSuggestion =>
  suggestion.expiresAt === null ? suggestion : { ...suggestion, expiresAt: suggestion.expiresAt + by }

/** @internal */
export const stepOf = (from: SuggestionState | null, to: HealingSuggestion): Omit<SuggestionStep, "number"> => ({
  id: to.id,
  at: from === to.state && to.warnedAt !== null ? to.warnedAt : to.changedAt,
  from,
  to: to.state,
  by: to.by,
  reason: to.reason
})

/**
 * When it is to be warned of, or expires.
 *
 * @internal
 */
export const dueAt = (suggestion: Pick<HealingSuggestion, "expiresAt" | "isOld" | "warnedAt">): number | null =>
  suggestion.expiresAt === null ? null : suggestion.expiresAt - (isToBeWarnedOf(suggestion) ? WARNING : 0)

/** @internal */
export const isToBeWarnedOf = ({ isOld, warnedAt }: Pick<HealingSuggestion, "isOld" | "warnedAt">): boolean =>
  warnedAt === null && !isOld
