/**
 * What may be said to the durable queue, and what it answers.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Durations from "../internal/Durations.js"
import { decode, expecting, optional, withDefault } from "../internal/Input.js"
import {
  FinalState,
  type HealingRequest,
  JobName,
  type RequestState,
  Trigger,
  wellFormed
} from "../request/HealingRequest.js"

/**
 * A wish for a review.
 *
 * - `job`: of this job; 1 to 256 characters.
 * - `trigger` ("manual"): why: `failure`, `sla_breach`, `schedule`, `manual`, or a name of your own of 1 to 64
 *   characters. All but `manual` are automatic: subject to `cooldown` and `maxReviewsPerDay`.
 * - `runId`: which run of the job it is about; 1 to 256 characters.
 * - `priority`: below 0; higher goes first. By default the setting `priority` for `manual`, 20 lower for `schedule`, 10
 *   lower for everything else.
 * - `maxWait`: from the call until the first turn. For `heal` the setting `maxWait` by default, for `submit` no limit.
 * - `cooldown`: from the end of the job's last completed review until this one may begin, unless it is `manual`; finite. The
 *   setting `cooldown` by default.
 * - `note`: for the reviewer and for people; at most 1,000 characters.
 *
 * @since 0.1.0
 * @category models
 */
export interface HealingWish {
  readonly job: string
  readonly trigger?: string | undefined
  readonly runId?: string | undefined
  readonly priority?: number | undefined
  readonly maxWait?: Duration.DurationInput | undefined
  readonly cooldown?: Duration.DurationInput | undefined
  readonly note?: string | undefined
}

/**
 * What has become of a wish that was submitted.
 *
 * - `Accepted`: it is a request of its own. `notBefore` is the instant, in milliseconds since 1970, before which it is
 *   not reviewed: for the cool-down of its job, or because enough reviews were done for a day; else `null`.
 * - `Coalesced`: it was added to the pending request of its job, `id`.
 *
 * @since 0.1.0
 * @category models
 */
export type Submission = Data.TaggedEnum<{
  Accepted: { readonly id: string; readonly notBefore: number | null }
  Coalesced: { readonly id: string }
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const Submission = Data.taggedEnum<Submission>()

/**
 * What a question about the past may name.
 *
 * - `job`: of this job only.
 * - `states`: which of `completed`, `failed`, `skipped`, `cancelled` and `coalesced`; all by default.
 * - `limit` (50): how many at most; 1 to 1,000.
 * - `before`: what stands behind this request in the history: the last one of a page, for the next page.
 *
 * @since 0.1.0
 * @category models
 */
export interface HistoryOptions {
  readonly job?: string | undefined
  readonly states?: ReadonlyArray<Exclude<RequestState, "pending" | "running">> | undefined
  readonly limit?: number | undefined
  readonly before?: HealingRequest | undefined
}

/**
 * What is to be cancelled: the request with this id, or the pending and the running one of this job.
 *
 * @since 0.1.0
 * @category models
 */
export type CancelTarget = { readonly id: string } | { readonly job: string }

const Job = expecting("the name of a job, of 1 to 256 characters")(JobName)

const Wish = Schema.Struct({
  job: Job,
  trigger: optional(expecting("a trigger: a name of 1 to 64 characters")(Trigger)),
  runId: optional(
    expecting("the id of a run, of 1 to 256 characters")(Schema.NonEmptyString.pipe(Schema.maxLength(256), wellFormed))
  ),
  priority: optional(expecting("a number below 0, the priority of every job")(Schema.Finite.pipe(Schema.negative()))),
  maxWait: optional(
    expecting('a duration of zero or more, such as "5 minutes", or Duration.infinity')(Durations.inCode.any)
  ),
  cooldown: optional(expecting('a finite duration of zero or more, such as "10 minutes"')(Durations.inCode.finite)),
  note: optional(
    expecting("a text of at most 1,000 characters")(Schema.String.pipe(Schema.maxLength(1000), wellFormed))
  )
})

const Id = expecting("the id of a request, such as healing:nightly-digest:7")(Schema.NonEmptyString)

const Target = Schema.Union(Schema.Struct({ id: Id }), Schema.Struct({ job: Job }))

const Final = expecting("completed, failed, skipped, cancelled or coalesced")(FinalState)

const History = Schema.Struct({
  job: optional(Job),
  states: withDefault(Schema.Array(Final), () => FinalState.literals),
  limit: withDefault(expecting("a whole number of 1 to 1,000")(Schema.Int.pipe(Schema.between(1, 1000))), () => 50),
  before: optional(
    expecting("a request that has ended, as history returned it")(
      Schema.Struct({ endedAt: Schema.Int, number: Schema.Int })
    )
  )
})

/** @internal */
export const decodeWish = decode(Wish, Object.keys(Wish.fields))

/** @internal */
export const decodeTarget = decode(Target, ["id", "job"])

/** @internal */
export const decodeId = decode(Schema.Struct({ id: Id }), ["id"])

/** @internal */
export const decodeHistory = decode(History, Object.keys(History.fields))
