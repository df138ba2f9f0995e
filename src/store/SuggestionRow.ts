/**
 * A suggestion as a row of the table `healing_suggestions`, a step of its life as one of `healing_suggestion_steps`, and its file as one of
 * `healing_applications`.
 *
 * @internal
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import {
  Actor,
  Application,
  Approval,
  HealingSuggestion,
  SuggestionStep,
  SuggestionStop,
  suggestionId,
  Watch
} from "../request/HealingSuggestion.js"
import { Suggestion } from "../request/Report.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import { asIs, type Cell, flag, json, nullOr, table } from "./Column.js"

const { fields: schemas } = HealingSuggestion

/** In the order of its schema, so that it is the same text each time. */
const approval = nullOr(json(Approval, Schema.encodeSync(Approval)))

const row = table<Omit<HealingSuggestion, "id">>(
  {
    request: asIs(schemas.request),
    position: asIs(schemas.position),
    job: asIs(schemas.job),
    proposedAt: asIs(schemas.proposedAt),
    suggestion: json(Suggestion),
    signatures: json(schemas.signatures),
    isOld: flag,
    state: asIs(schemas.state),
    changedAt: asIs(schemas.changedAt),
    expiresAt: asIs(schemas.expiresAt),
    warnedAt: asIs(schemas.warnedAt),
    approval,
    watch: nullOr(json(Watch)),
    by: json(Actor),
    reason: asIs(schemas.reason),
    supersededBy: asIs(schemas.supersededBy)
  },
  {
    target_file: ({ suggestion }) => suggestion.targetFile,
    due_at: (suggestion) => SuggestionLife.dueAt(suggestion)
  }
)

/**
 * The first so many columns never change.
 *
 * @internal
 */
export const FIXED = 7

/** @internal */
export const columns: ReadonlyArray<string> = row.columns

/**
 * What differs between two times at which a suggestion is in the same state.
 *
 * @internal
 */
export const sameness = (suggestion: Pick<HealingSuggestion, "approval" | "changedAt">): ReadonlyArray<Cell> => [
  suggestion.changedAt,
  approval.encode(suggestion.approval)
]

/** @internal */
export const toRow = (suggestion: HealingSuggestion): Array<Cell> => row.toRow(suggestion)

/**
 * The suggestion, or why its row cannot be read.
 *
 * @internal
 */
export const fromRow = (found: Readonly<Record<string, unknown>>): Either.Either<HealingSuggestion, string> =>
  Either.map(row.fromRow(found), (suggestion) => ({ ...suggestion, id: suggestionId(suggestion.job, suggestion) }))

const step = table<Omit<SuggestionStep, "number">>({
  id: asIs(SuggestionStep.fields.id),
  at: asIs(SuggestionStep.fields.at),
  from: asIs(SuggestionStep.fields.from),
  to: asIs(SuggestionStep.fields.to),
  by: json(Actor),
  reason: asIs(SuggestionStep.fields.reason),
  approval
})

/** @internal */
export const stepColumns: ReadonlyArray<string> = step.columns

/** @internal */
export const toStepRow = (one: Omit<SuggestionStep, "number">): Array<Cell> => step.toRow(one)

/** @internal */
export const fromStepRow = (found: Readonly<Record<string, unknown>>): Either.Either<SuggestionStep, string> =>
  Either.map(step.fromRow(found), (one) => ({ ...one, number: Number(found.number) }))

const { fields: ofApplication } = Application

/** @internal */
export const application = table<Application>({
  request: asIs(ofApplication.request),
  position: asIs(ofApplication.position),
  path: asIs(ofApplication.path),
  original: asIs(ofApplication.original),
  mode: asIs(ofApplication.mode),
  uid: asIs(ofApplication.uid),
  gid: asIs(ofApplication.gid),
  intent: asIs(ofApplication.intent),
  temporary: asIs(ofApplication.temporary)
})

/** @internal */
export const stop = table<SuggestionStop>({
  at: asIs(SuggestionStop.fields.at),
  by: json(Actor),
  reason: asIs(SuggestionStop.fields.reason)
})
