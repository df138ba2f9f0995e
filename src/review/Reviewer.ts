/**
 * The port of those who review: what is done in a turn.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
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
 * Under this symbol a reviewer may carry a `review` that tells when it really begins: whether there is anything to review may take
 * some looking. A member travels with a service that somebody has wrapped (`{ ...service }`).
 *
 * @internal
 */
export const tellsBegin: unique symbol = Symbol.for("effect-healing/Reviewer/tellsBegin")

/**
 * What carries it. To those outside of the package the interface is empty.
 */
export interface HasTellsBegin {
  /** @internal */
  readonly [tellsBegin]?: (request: HealingRequest, begins: Effect.Effect<void>) => Effect.Effect<Reviewed, ReviewError>
}

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
  } & HasTellsBegin
>() {}

/**
 * Has a review done, and is told when it begins: at once, unless the reviewer can tell it better.
 *
 * @internal
 */
export const reviewWith = (
  reviewer: Context.Tag.Service<Reviewer>,
  request: HealingRequest,
  begins: Effect.Effect<void>
): Effect.Effect<Reviewed, ReviewError> =>
  Effect.suspend(
    () =>
      reviewer[tellsBegin]?.(request, begins) ??
      Effect.zipRight(
        begins,
        Effect.suspend(() => reviewer.review(request))
      )
  )

/** @internal */
export const isReviewed: (u: unknown) => u is Reviewed = Schema.is(
  Schema.Union(
    Schema.TaggedStruct("Completed", { report: Report }),
    Schema.TaggedStruct("Skipped", { reason: Schema.String })
  )
)
