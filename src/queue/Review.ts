/**
 * What `heal` returns, and how it fails.
 *
 * @since 0.1.0
 */
import type {
  HealingCancelled,
  HealingClosed,
  HealingDeadlock,
  HealingInvalid,
  HealingQueueFull,
  HealingSkipped,
  HealingStoreError,
  HealingTimeout,
  ReviewError
} from "../HealingError.js"
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
