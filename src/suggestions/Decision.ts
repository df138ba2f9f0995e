/**
 * What is asked about suggestions, and who decides on them: as given, and as taken in.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { decode, expecting, optional, withDefault } from "../internal/Input.js"
import { JobName, wellFormed } from "../request/HealingRequest.js"
import { Actor, type HealingSuggestion, SuggestionState, suggestionKey } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"

/**
 * Which suggestions.
 *
 * - `job`: of this job only.
 * - `states`: of these states only; all by default.
 * - `limit` (50): how many at most; 1 to 1,000.
 * - `after`: what stands behind this one in the list: the last one of a page, for the next page.
 *
 * @since 0.1.0
 * @category models
 */
export interface SuggestionFilter {
  readonly job?: string | undefined
  readonly states?: ReadonlyArray<SuggestionState> | undefined
  readonly limit?: number | undefined
  readonly after?: HealingSuggestion | undefined
}

/**
 * Who has decided, and why. The name is kept as it is claimed.
 *
 * - `who`: 1 to 256 characters.
 * - `door` ("code"): through which they came; 1 to 64 characters, but none of the doors of this package itself, as `Actor` names them.
 * - `reason`: at most 1,000 characters.
 *
 * @since 0.1.0
 * @category models
 */
export interface Decision {
  readonly who: string
  readonly door?: string | undefined
  readonly reason?: string | undefined
}

/**
 * What is to be allowed, as it is to be shown.
 *
 * - `bigDeletion` (false): that more than half of the lines of a file go.
 * - `restart` (false): that the job is restarted afterwards, and after a rollback. It must be one that is always up: others take the change at
 *   their next run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Allowances {
  readonly bigDeletion?: boolean | undefined
  readonly restart?: boolean | undefined
}

/**
 * That somebody wants exactly what a preview has shown.
 *
 * - `seal`: that of the preview.
 *
 * @since 0.1.0
 * @category models
 */
export interface SealedDecision extends Decision {
  readonly seal: string
}

const Id = expecting("the id of a suggestion, such as suggestion:nightly-digest:7.1")(
  Schema.String.pipe(Schema.filter((id) => suggestionKey(id) !== undefined))
)

const Filter = Schema.Struct({
  job: optional(expecting("the name of a job, of 1 to 256 characters")(JobName)),
  states: withDefault(
    expecting(`a list of states: ${SuggestionState.literals.join(", ")}`)(Schema.Array(SuggestionState)),
    () => SuggestionState.literals
  ),
  limit: withDefault(expecting("a whole number of 1 to 1,000")(Schema.Int.pipe(Schema.between(1, 1000))), () => 50),
  after: optional(
    expecting("a suggestion, as list returned it")(Schema.Struct({ request: Schema.Int, position: Schema.Int }))
  )
})

const Decided = Schema.Struct({
  who: expecting("a name of 1 to 256 characters")(Actor.fields.who),
  door: withDefault(
    expecting(`a name of 1 to 64 characters, but none of ${SuggestionLife.OWN_DOORS.join(", ")}`)(
      Actor.fields.door.pipe(Schema.filter((door) => !SuggestionLife.OWN_DOORS.includes(door)))
    ),
    () => "code"
  ),
  reason: optional(
    expecting("a text of at most 1,000 characters")(Schema.String.pipe(Schema.maxLength(1000), wellFormed))
  )
})

/** @internal */
export interface Decided extends Schema.Schema.Type<typeof Decided> {}

const Sealed = Schema.Struct({
  ...Decided.fields,
  seal: expecting("the seal of a preview: seal: and 64 hexadecimal digits")(
    Schema.String.pipe(Schema.pattern(/^seal:[0-9a-f]{64}$/))
  )
})

/** @internal */
export interface Sealed extends Schema.Schema.Type<typeof Sealed> {}

const flag = withDefault(expecting("true or false")(Schema.Boolean), () => false)

const Allowed = Schema.Struct({ bigDeletion: flag, restart: flag })

/** @internal */
export interface Allowed extends Schema.Schema.Type<typeof Allowed> {}

/** @internal */
export const decodeSuggestionId = decode(Schema.Struct({ id: Id }), ["id"])

/** @internal */
export const decodeSuggestionFilter = decode(Filter, Object.keys(Filter.fields))

/** @internal */
export const decodeDecision = decode(Decided, Object.keys(Decided.fields))

/** @internal */
export const decodeSealed = decode(Sealed, Object.keys(Sealed.fields))

/** @internal */
export const decodeAllowances = decode(Allowed, Object.keys(Allowed.fields))
