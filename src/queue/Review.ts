/**
 * What `heal` and `await` return, and how they fail.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import {
  HealingCancelled,
  type HealingClosed,
  type HealingDeadlock,
  type HealingInvalid,
  type HealingNotFound,
  type HealingQueueFull,
  HealingSkipped,
  type HealingStoreError,
  type HealingTimeout,
  ReviewError
} from "../HealingError.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import type { Report } from "../request/Report.js"

/**
 * A completed review as it was stored. Times are milliseconds since 1970.
 *
 * @since 0.1.0
 * @category models
 */
export interface Review {
  readonly id: string
  readonly job: string
  readonly runId: string | null
  readonly startedAt: number
  readonly endedAt: number
  readonly attempts: number
  readonly report: Report
}

/**
 * How `heal` can fail.
 *
 * @since 0.1.0
 * @category errors
 */
export type HealError =
  | HealingInvalid
  | HealingQueueFull
  | HealingStoreError
  | HealingTimeout
  | HealingDeadlock
  | HealingSkipped
  | HealingCancelled
  | HealingClosed
  | ReviewError

/**
 * How `await` can fail.
 *
 * @since 0.1.0
 * @category errors
 */
export type AwaitError =
  | HealingInvalid
  | HealingNotFound
  | HealingStoreError
  | HealingDeadlock
  | HealingSkipped
  | HealingCancelled
  | HealingClosed
  | ReviewError

/**
 * The review of a request that was completed then, with this report.
 *
 * @internal
 */
export const reviewOf = (
  { attempts, id, job, runId, starts }: HealingRequest,
  endedAt: number,
  report: Report
): Review => ({ id, job, runId, startedAt: starts.at(-1) ?? endedAt, endedAt, attempts, report })

/**
 * What a request that has ended means for those who wait for its review. `undefined` if another one carries its wishes on.
 *
 * @internal
 */
export const outcomeOf = (
  request: HealingRequest
): Either.Either<Review, HealingSkipped | HealingCancelled | ReviewError> | undefined => {
  const { endedAt, id, job, report, state } = request
  const reason = request.reason ?? ""
  if (state === "failed") return Either.left(new ReviewError({ job, reason, retry: { _tag: "Never" } }))
  if (state === "skipped") return Either.left(new HealingSkipped({ id, job, reason }))
  if (state === "cancelled") return Either.left(new HealingCancelled({ id, job }))
  if (state !== "completed" || endedAt === null || report === null) return undefined
  return Either.right(reviewOf(request, endedAt, report))
}
