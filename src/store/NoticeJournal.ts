/**
 * What a store does for notices: it keeps the outbox, and what has become of each notice.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { HealingStoreError } from "../HealingError.js"
import { JobName } from "../request/HealingRequest.js"

const Millis = Schema.Int

/**
 * One row of the outbox: a request has ended, or a suggestion has taken a step. The commit that does so adds it.
 *
 * - `request`, `position`: the number of the request, and which of its suggestions; `null` if it is about the request itself.
 * - `from`, `to`: the states.
 * - `door`: through which the step of a suggestion was taken.
 *
 * @internal
 */
export const Fact = Schema.Struct({
  number: Schema.Int,
  at: Millis,
  request: Schema.Int,
  position: Schema.NullOr(Schema.Int),
  from: Schema.NullOr(Schema.String),
  to: Schema.String,
  door: Schema.NullOr(Schema.String)
})

/** @internal */
export interface Fact extends Schema.Schema.Type<typeof Fact> {}

/** @internal */
export const DeliveryState = Schema.Literal("pending", "sent", "failed")

/** @internal */
export type DeliveryState = typeof DeliveryState.Type

/**
 * A notice on its way through one channel. Times are milliseconds since 1970.
 *
 * - `id`: of the notice, the same in all channels and at each try.
 * - `job`: whose notices stay in order; empty if it is about none.
 * - `isUrgent`: whether nothing holds it back.
 * - `isCounted`: whether it counts for the limit of an hour.
 * - `notice`: itself, as JSON.
 * - `attempts`, `nextTry`: how often it could not be sent, and when it is tried again.
 * - `endedAt`, `reason`: when it was sent, or failed for good, and why.
 *
 * @internal
 */
export const Delivery = Schema.Struct({
  id: Schema.NonEmptyString,
  channel: Schema.NonEmptyString,
  job: Schema.String,
  kind: Schema.NonEmptyString,
  isUrgent: Schema.Boolean,
  isCounted: Schema.Boolean,
  notice: Schema.String,
  createdAt: Millis,
  state: DeliveryState,
  attempts: Schema.NonNegativeInt,
  nextTry: Schema.NullOr(Millis),
  endedAt: Schema.NullOr(Millis),
  reason: Schema.NullOr(Schema.String)
})

/** @internal */
export interface Delivery extends Schema.Schema.Type<typeof Delivery> {}

/**
 * One that is there. Later ones have higher numbers.
 *
 * @internal
 */
export type StoredDelivery = Delivery & { readonly number: number }

/**
 * That something was told, so that it is not told again.
 *
 * - `job`: empty if it is about none.
 * - `subject`: what makes it another one, such as the signature of a failure.
 *
 * @internal
 */
export interface Told {
  readonly job: string
  readonly kind: string
  readonly subject: string
  readonly at: number
}

/**
 * A job of which a failure was told.
 *
 * - `since`: when it was seen to fail last, to within a day.
 * - `good`: how many good runs there were since the last failure.
 *
 * @internal
 */
export const Failing = Schema.Struct({ job: JobName, since: Millis, good: Schema.NonNegativeInt })

/** @internal */
export interface Failing extends Schema.Schema.Type<typeof Failing> {}

/**
 * Nothing is told of a job, or of a failure, until then.
 *
 * - `job`, `signature`: of which; one of them, or a failure of one job.
 * - `at`, `by`, `until`: since when, who has said so, and until when.
 *
 * @internal
 */
export const Muted = Schema.Struct({
  job: Schema.NullOr(JobName),
  signature: Schema.NullOr(Schema.String),
  at: Millis,
  until: Millis,
  by: Schema.String
})

/** @internal */
export interface Muted extends Schema.Schema.Type<typeof Muted> {}

/**
 * How many runs of a job have ended of which no digest has told, and how many of them failed.
 *
 * @internal
 */
export const RunCount = Schema.Struct({
  job: JobName,
  runs: Schema.NonNegativeInt,
  failures: Schema.NonNegativeInt
})

/** @internal */
export interface RunCount extends Schema.Schema.Type<typeof RunCount> {}

/**
 * What is written of notices.
 *
 * - `Add`: there is a new delivery.
 * - `Tried`: it was tried, or has come to its end. It must be pending.
 * - `Rewrite`: it says something else now. It must be pending, and never tried.
 * - `Expire`: those of a channel that are pending, and were made before then, have failed for good.
 * - `Turned`: the facts up to this number are notices by now, or never will be.
 * - `Told`: it was told.
 * - `Forget`: it may be told again: all of a job; of some kinds, or of any.
 * - `Failing`: how the job is; `null` if it is well.
 * - `Count`: so many more runs have ended; or fewer, of which a digest has told.
 * - `Mute`, `Unmute`: in place of one for the same.
 *
 * @internal
 */
export type NoticeChange =
  | { readonly _tag: "Add"; readonly delivery: Delivery }
  | {
      readonly _tag: "Tried"
      readonly number: number
      readonly to: Pick<Delivery, "attempts" | "endedAt" | "nextTry" | "reason" | "state">
    }
  | { readonly _tag: "Rewrite"; readonly number: number; readonly notice: string }
  | {
      readonly _tag: "Expire"
      readonly channel: string
      readonly createdBefore: number
      readonly at: number
      readonly reason: string
    }
  | { readonly _tag: "Turned"; readonly upTo: number }
  | { readonly _tag: "Told"; readonly told: Told }
  | { readonly _tag: "Forget"; readonly job: string; readonly kinds: ReadonlyArray<string> | undefined }
  | { readonly _tag: "Failing"; readonly job: string; readonly failing: Failing | null }
  | { readonly _tag: "Count"; readonly counted: RunCount }
  | { readonly _tag: "Mute"; readonly muted: Muted }
  | { readonly _tag: "Unmute"; readonly job: string | null; readonly signature: string | null }

/**
 * - `channel`, `job`, `states`: of these only.
 * - `limit`: how many at most.
 * - `before`: those with a lower number.
 *
 * @internal
 */
export interface DeliveryQuery {
  readonly channel?: string | undefined
  readonly job?: string | undefined
  readonly states: ReadonlyArray<DeliveryState>
  readonly limit: number
  readonly before?: number | undefined
}

/**
 * - `facts`: the first ones of the outbox, so many at most. What cannot be read of it is left out.
 * - `pending`: of a channel, after this number; only urgent ones, if it says so; the first first, so many at most. One whose row cannot be
 *   read has failed for good, with a warning.
 * - `pendingOf`: the one of a channel that is of this kind, pending, and was never tried.
 * - `olderThan`: how many of a channel are pending, and were made before then.
 * - `newest`: when the first of the newest so many of a channel that are pending was made; none if there are fewer.
 * - `counted`: when the first of the last so many of a channel that count was made, between these two instants; none if there are fewer.
 * - `told`: when something was told last.
 * - `toldJobs`: the jobs of which something of this kind was told.
 * - `toldCount`: how many of a kind were told of a job.
 * - `failing`: the jobs of which a failure was told.
 * - `muted`: what is muted.
 * - `runCounts`: of which no digest has told.
 * - `list`: the newest first.
 * - `pendingCounts`: how many of each channel are pending.
 * - `prune`: removes what had ended before then, and what else is of no use any more; so many at most. Returns how many it has removed.
 *
 * Times are milliseconds since 1970.
 *
 * @internal
 */
export interface NoticeJournal {
  readonly facts: (limit: number) => Effect.Effect<ReadonlyArray<Fact>, HealingStoreError>
  readonly pending: (
    channel: string,
    after: number,
    isUrgent: boolean,
    limit: number
  ) => Effect.Effect<ReadonlyArray<StoredDelivery>, HealingStoreError>
  readonly pendingOf: (channel: string, kind: string) => Effect.Effect<Option.Option<StoredDelivery>, HealingStoreError>
  readonly olderThan: (channel: string, createdBefore: number) => Effect.Effect<number, HealingStoreError>
  readonly newest: (channel: string, many: number) => Effect.Effect<Option.Option<number>, HealingStoreError>
  readonly counted: (
    channel: string,
    since: number,
    at: number,
    many: number
  ) => Effect.Effect<Option.Option<number>, HealingStoreError>
  readonly told: (told: Omit<Told, "at">) => Effect.Effect<Option.Option<number>, HealingStoreError>
  readonly toldJobs: (kind: string) => Effect.Effect<ReadonlyArray<string>, HealingStoreError>
  readonly toldCount: (job: string, kind: string) => Effect.Effect<number, HealingStoreError>
  readonly failing: Effect.Effect<ReadonlyArray<Failing>, HealingStoreError>
  readonly muted: Effect.Effect<ReadonlyArray<Muted>, HealingStoreError>
  readonly runCounts: Effect.Effect<ReadonlyArray<RunCount>, HealingStoreError>
  readonly list: (query: DeliveryQuery) => Effect.Effect<ReadonlyArray<StoredDelivery>, HealingStoreError>
  readonly pendingCounts: Effect.Effect<ReadonlyMap<string, number>, HealingStoreError>
  readonly prune: (endedBefore: number, limit: number) => Effect.Effect<number, HealingStoreError>
}
