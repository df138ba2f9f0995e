/**
 * A durable wish for a review.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { LAST_INSTANT } from "../internal/LastInstant.js"
import { Report } from "./Report.js"

/**
 * Refuses halves of characters, which no database gives back as they were.
 *
 * @internal
 */
export const wellFormed = <A extends string, I>(self: Schema.Schema<A, I>): Schema.Schema<A, I> =>
  self.pipe(Schema.filter((text) => /^\P{Surrogate}*$/u.test(text)))

/**
 * An instant that a database keeps as it is: whole milliseconds since 1970, within what a `Date` can be.
 *
 * @internal
 */
export const instant = (at: number): number => Math.min(Math.round(at), LAST_INSTANT)

/**
 * The name of a job at the edges of the package: 1 to 256 characters.
 *
 * @since 0.1.0
 * @category schemas
 */
export const JobName = Schema.NonEmptyString.pipe(Schema.maxLength(256), wellFormed)

/**
 * Why a review is wanted: `failure`, `sla_breach`, `schedule`, `manual`, or a name of your own of 1 to 64 characters. A
 * wish is automatic unless its trigger is `manual`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Trigger = Schema.NonEmptyString.pipe(Schema.maxLength(64), wellFormed)

/**
 * Where a request stands in its life.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RequestState = Schema.Literal(
  "pending",
  "running",
  "completed",
  "failed",
  "skipped",
  "cancelled",
  "coalesced"
)

/**
 * @since 0.1.0
 * @category models
 */
export type RequestState = typeof RequestState.Type

const Millis = Schema.Int

/**
 * A durable wish for a review of one job. Times are milliseconds since 1970.
 *
 * - `id`: `healing:<job>:<number>`; `number` counts the requests of the store, in the order of their arrival.
 * - `priority`: below 0; among healings, higher goes first.
 * - `triggers`: everything it was wanted for, each once; at most 16 of them.
 * - `runId`, `note`: of the newest wish that named one; at most 256 and 1,000 characters.
 * - `callersOnly`: nobody but callers of `heal` wants it, so that it ends when the last of them goes.
 * - `notBefore`: it has to wait until then, for its cool-down or for another try.
 * - `waitUntil`: it is skipped if it has had no turn by then.
 * - `attempts`: how many of its reviews have failed or were cut off.
 * - `starts`: when its reviews began, the last 16 of them.
 * - `endedAt`, `reason`: when and why it ended; `reason` has at most 2,000 characters. Of one that is pending it says why there is
 *   nothing to review yet.
 * - `coalescedInto`: the request that carries its wishes on.
 * - `report`: what its completed review has found.
 * - `cooldown`: how long it waits after the last completed review of its job, in milliseconds; `null` for the setting.
 * - `signatures`: of the failures that it is about, each once, at most 16: the same for failures with one cause, as far as can
 *   be told, and `unknown` where it cannot.
 *
 * @since 0.1.0
 * @category schemas
 */
export const HealingRequest = Schema.Struct({
  id: Schema.NonEmptyString,
  number: Schema.Int.pipe(Schema.positive()),
  job: JobName,
  state: RequestState,
  priority: Schema.Finite.pipe(Schema.negative()),
  triggers: Schema.NonEmptyArray(Trigger),
  runId: Schema.NullOr(Schema.String),
  note: Schema.NullOr(Schema.String),
  callersOnly: Schema.Boolean,
  submittedAt: Millis,
  notBefore: Schema.NullOr(Millis),
  waitUntil: Schema.NullOr(Millis),
  attempts: Schema.NonNegativeInt,
  starts: Schema.Array(Millis),
  endedAt: Schema.NullOr(Millis),
  reason: Schema.NullOr(Schema.String),
  coalescedInto: Schema.NullOr(Schema.String),
  report: Schema.NullOr(Report),
  cooldown: Schema.NullOr(Schema.NonNegative),
  signatures: Schema.Array(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface HealingRequest extends Schema.Schema.Type<typeof HealingRequest> {}

/**
 * Whether nobody has asked for it by hand, so that the cool-down and the limit of reviews per day apply.
 *
 * @since 0.1.0
 * @category getters
 */
export const isAutomatic = (request: Pick<HealingRequest, "triggers">): boolean => !request.triggers.includes("manual")

/**
 * The states in which a request has ended.
 *
 * @internal
 */
export const FinalState = RequestState.pipe(
  Schema.pickLiteral("completed", "failed", "skipped", "cancelled", "coalesced")
)

/** @internal */
export type FinalState = typeof FinalState.Type

/**
 * Whether a text is the id of a request, and not the name of a job.
 *
 * @internal
 */
export const isId = (text: string): boolean => /^healing:.+:\d+$/s.test(text)

/** @internal */
export const idOf = (job: string, number: number): string => `healing:${job}:${number}`

/** @internal */
export const jobOf = (id: string): string => id.slice(id.indexOf(":") + 1, id.lastIndexOf(":"))

/** @internal */
export const numberOf = (id: string): number => Number(id.slice(id.lastIndexOf(":") + 1))
