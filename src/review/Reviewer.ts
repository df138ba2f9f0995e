/**
 * The port of those who review: what is done in a turn.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ReviewError } from "../HealingError.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import { Report } from "../request/Report.js"

/**
 * How a review ends that does not fail.
 *
 * - `Completed`: it was done, and this is what it has found.
 * - `Skipped`: there was nothing to review; `reason` says why, of which the first 2,000 characters are kept.
 *
 * A report that does not fit `Report` is a review that has failed, and is tried again.
 *
 * @since 0.1.0
 * @category models
 */
export type Reviewed = Data.TaggedEnum<{
  Completed: { readonly report: Report }
  Skipped: { readonly reason: string }
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const Reviewed = Data.taggedEnum<Reviewed>()

/**
 * Does one review. It is called in a turn, and may be interrupted at any instant: when the layer closes, when the request
 * is cancelled, at `reviewTimeout`, and under `onJobStart: "yield"` whenever a job starts. It is called again for the same
 * request after a yield, a restart, and a failure that says so; a defect is a failure with a back-off, and is logged
 * without its message. Until an interruption has reached its end, the turn is not given to anybody else.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Reviewed, Reviewer } from "effect-healing"
 *
 * const ReviewerLive = Layer.succeed(Reviewer, {
 *   review: ({ job }) => Effect.succeed(Reviewed.Completed({ report: { summary: `${job} looks well` } }))
 * })
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Reviewer extends Context.Tag("effect-healing/Reviewer")<
  Reviewer,
  {
    readonly review: (request: HealingRequest) => Effect.Effect<Reviewed, ReviewError>
  }
>() {}

/** @internal */
export const isReviewed: (u: unknown) => u is Reviewed = Schema.is(
  Schema.Union(
    Schema.TaggedStruct("Completed", { report: Report }),
    Schema.TaggedStruct("Skipped", { reason: Schema.String })
  )
)
