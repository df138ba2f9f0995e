/**
 * A suggestion of a review, with what has become of it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { JobName, wellFormed } from "./HealingRequest.js"
import { FileHash, Suggestion } from "./Report.js"

/**
 * Where a suggestion stands in its life:
 *
 * - `pending`: nobody has decided on it.
 * - `approved`: somebody wants it, and it can be applied.
 * - `applying`: its file is about to be written.
 * - `applied`: it is in its file; one without a file was done by hand, as somebody says.
 * - `failed`: its file was edited by somebody else while it was written, and their content stands in it, or it cannot be told.
 * - `confirmed`: the runs of its job after it was applied were good.
 * - `relapsed`: its job has failed again after it was applied, for the same cause.
 * - `inconclusive`: it was applied, and what has happened since does not say whether it helps.
 * - `rolled_back`: it was applied, and its file is as it was before.
 * - `rejected`: somebody did not want it.
 * - `expired`: nobody has decided on it in time, or nobody has applied it in time.
 * - `superseded`: a newer review of the job proposes another content for the same file.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SuggestionState = Schema.Literal(
  "pending",
  "approved",
  "applying",
  "applied",
  "failed",
  "confirmed",
  "relapsed",
  "inconclusive",
  "rolled_back",
  "rejected",
  "expired",
  "superseded"
)

/**
 * @since 0.1.0
 * @category models
 */
export type SuggestionState = typeof SuggestionState.Type

const Millis = Schema.Int

/**
 * Who has done something, as they say: whoever runs as the same user can say anything.
 *
 * - `who`: 1 to 256 characters.
 * - `door`: through which they came, such as `code`; 1 to 64 characters. What this package does by itself comes through `clock`,
 *   `review`, `file` (it was found in it), `watch` (of what happens afterwards), `recovery` (after a crash) or `rule` (of
 *   `suggestions.autoApply`, whose name is `who`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const Actor = Schema.Struct({
  who: Schema.NonEmptyString.pipe(Schema.maxLength(256), wellFormed),
  door: Schema.NonEmptyString.pipe(Schema.maxLength(64), wellFormed)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Actor extends Schema.Schema.Type<typeof Actor> {}

/**
 * What somebody has approved: this, and nothing else.
 *
 * - `seal`: stands for all of it.
 * - `path`: the file without links, or `null` if it changes none.
 * - `before`, `after`: the hashes of the file as it was shown, `null` for a new one, and of what is to stand in it.
 * - `bigDeletion`: whether more than half of the lines may go.
 * - `restart`: whether the job may be restarted.
 * - `at`, `by`: when, and who.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Approval = Schema.Struct({
  seal: Schema.NonEmptyString,
  path: Schema.NullOr(Schema.String),
  before: Schema.NullOr(FileHash),
  after: Schema.NullOr(FileHash),
  bigDeletion: Schema.Boolean,
  restart: Schema.Boolean,
  at: Millis,
  by: Actor
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Approval extends Schema.Schema.Type<typeof Approval> {}

/**
 * How long a log was when it was looked at.
 *
 * - `log`: its path, or its name if it is in no file.
 * - `size`: in bytes, or in characters if it is in no file.
 * - `end`: a hash of what stood before that, by which it is known again: a log may have been begun anew since.
 *
 * @since 0.1.0
 * @category schemas
 */
export const LogMark = Schema.Struct({ log: Schema.String, size: Schema.NonNegativeInt, end: Schema.String })

/**
 * @since 0.1.0
 * @category models
 */
export interface LogMark extends Schema.Schema.Type<typeof LogMark> {}

/**
 * How the runs of its job are watched after a change.
 *
 * - `since`: when that was made, in milliseconds since 1970.
 * - `good`: the ids of the good runs since.
 * - `logs`: how long its logs were at the change, or after the last good run: what they got since tells why a run has failed. `null` if that
 *   is not known yet.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Watch = Schema.Struct({
  since: Millis,
  good: Schema.Array(Schema.String),
  logs: Schema.optionalWith(Schema.NullOr(Schema.Array(LogMark)), { exact: true, default: () => null })
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Watch extends Schema.Schema.Type<typeof Watch> {}

/**
 * A suggestion and its life. Times are milliseconds since 1970.
 *
 * - `id`: `suggestion:<job>:<request>.<position>`.
 * - `request`: the number of the request whose review has made it.
 * - `position`: which one of that review it is, from 1.
 * - `suggestion`: what the review proposes.
 * - `signatures`: of the failures that the review was about, at most 16.
 * - `proposedAt`, `changedAt`: when the review ended, and when its state was changed last.
 * - `expiresAt`: when it expires if nobody has decided on it, or applied it, by then; until when it is watched if it was applied; `null` if
 *   it has come to its end.
 * - `warnedAt`: when it was told that it is about to expire.
 * - `approval`: what was approved of it, if that was not withdrawn.
 * - `watch`: how its change is watched, from then on.
 * - `by`, `reason`: who has changed its state last, and why, if they said so; `reason` has at most 1,000 characters.
 * - `supersededBy`: the id of the suggestion that has taken its place.
 * - `isOld`: it is of a review that was there before suggestions had a life: it expires without a warning, and no rule applies to it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const HealingSuggestion = Schema.Struct({
  id: Schema.NonEmptyString,
  request: Schema.Int.pipe(Schema.positive()),
  position: Schema.Int.pipe(Schema.positive()),
  job: JobName,
  state: SuggestionState,
  suggestion: Suggestion,
  signatures: Schema.Array(Schema.String),
  proposedAt: Millis,
  changedAt: Millis,
  expiresAt: Schema.NullOr(Millis),
  warnedAt: Schema.NullOr(Millis),
  approval: Schema.NullOr(Approval),
  watch: Schema.NullOr(Watch),
  by: Actor,
  reason: Schema.NullOr(Schema.String),
  supersededBy: Schema.NullOr(Schema.String),
  isOld: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export interface HealingSuggestion extends Schema.Schema.Type<typeof HealingSuggestion> {}

/**
 * One step in the life of a suggestion, as it is kept for those who ask later who has done what.
 *
 * - `number`: counts the steps of the store.
 * - `id`: of the suggestion.
 * - `at`: in milliseconds since 1970.
 * - `from`, `to`: its states before and after; `from` is `null` where it was proposed. They are the same where it was only warned of, and
 *   where somebody has unlocked its job.
 * - `approval`: what was approved of it then.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SuggestionStep = Schema.Struct({
  number: Schema.Int.pipe(Schema.positive()),
  id: Schema.NonEmptyString,
  at: Millis,
  from: Schema.NullOr(SuggestionState),
  to: SuggestionState,
  by: Actor,
  reason: Schema.NullOr(Schema.String),
  approval: Schema.NullOr(Approval)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface SuggestionStep extends Schema.Schema.Type<typeof SuggestionStep> {}

/**
 * How the file of a suggestion was before it was applied, and what is being done with it.
 *
 * - `path`: of the file, without links.
 * - `original`: what stood in it; `null` if it was not there.
 * - `mode`, `uid`, `gid`: its permissions and its owner.
 * - `intent`: what is being done with it now; `null` if that is over.
 * - `temporary`: the name of the file beside it into which the new content is written, as long as there is an intent.
 *
 * @internal
 */
export const Application = Schema.Struct({
  request: Schema.Int,
  position: Schema.Int,
  path: Schema.NonEmptyString,
  original: Schema.NullOr(Schema.String),
  mode: Schema.Int,
  uid: Schema.Int,
  gid: Schema.Int,
  intent: Schema.NullOr(Schema.Literal("apply", "rollback")),
  temporary: Schema.NullOr(Schema.String)
})

/** @internal */
export interface Application extends Schema.Schema.Type<typeof Application> {}

/**
 * That a rule has approved a suggestion, to have it applied.
 *
 * - `lead`: the position of the first one of its set; its own if it stands alone.
 * - `rule`: the name of the rule.
 * - `at`: when, in milliseconds since 1970.
 * - `lockedAt`: since when nothing is applied to its job by a rule, because this one has relapsed; `null` if that is not so, or not any more.
 *
 * @internal
 */
export const AutomaticChange = Schema.Struct({
  request: Schema.Int,
  position: Schema.Int,
  lead: Schema.Int,
  job: JobName,
  rule: Schema.NonEmptyString,
  at: Millis,
  lockedAt: Schema.NullOr(Millis)
})

/** @internal */
export interface AutomaticChange extends Schema.Schema.Type<typeof AutomaticChange> {}

/**
 * Somebody has stopped all applications.
 *
 * - `at`: when, in milliseconds since 1970.
 * - `by`, `reason`: who, and why, if they said so.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SuggestionStop = Schema.Struct({ at: Millis, by: Actor, reason: Schema.NullOr(Schema.String) })

/**
 * @since 0.1.0
 * @category models
 */
export interface SuggestionStop extends Schema.Schema.Type<typeof SuggestionStop> {}

/**
 * By which a suggestion is found.
 *
 * @internal
 */
export type SuggestionKey = Pick<HealingSuggestion, "request" | "position">

/** @internal */
export const suggestionId = (job: string, { position, request }: SuggestionKey): string =>
  `suggestion:${job}:${request}.${position}`

/**
 * The key in an id, whatever its job.
 *
 * @internal
 */
export const suggestionKey = (id: string): SuggestionKey | undefined => {
  const [, request, position] = /^suggestion:.+:([1-9]\d{0,14})\.([1-9]\d{0,2})$/s.exec(id) ?? []
  return request === undefined ? undefined : { request: Number(request), position: Number(position) }
}

/**
 * So much of a seal is typed by a person, at least.
 *
 * @internal
 */
export const SHORT_SEAL = 12

/**
 * The part of a seal that stands for it where a person sees it.
 *
 * @internal
 */
export const shortSeal = (seal: string): string => seal.replace(/^seal:/, "").slice(0, SHORT_SEAL)
