/**
 * What the health of the whole needs of the queue beyond its public face.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { HealingStoreError } from "../HealingError.js"

/**
 * - `lastCommit`, `lastReview`: when something was written last, and a review ended last, in this process.
 * - `oldestPending`: when the request was made that has waited longest.
 * - `failing`: why the store cannot be written, and since when.
 * - `lost`: why the queue has stopped for good.
 *
 * Times are milliseconds since 1970.
 *
 * @internal
 */
export interface QueueHealth {
  readonly lastCommit: number | undefined
  readonly lastReview: number | undefined
  readonly oldestPending: number | undefined
  readonly failing: { readonly reason: string; readonly since: number } | undefined
  readonly lost: HealingStoreError | undefined
}

/**
 * Under this symbol `HealingQueue` carries it. A member travels with a service that somebody has wrapped (`{ ...service }`).
 *
 * @internal
 */
export const forHealth: unique symbol = Symbol.for("effect-healing/HealingQueue/ForHealth")

/**
 * What carries it. To those outside of the package the interface is empty.
 */
export interface HasForHealth {
  /** @internal */
  readonly [forHealth]: Effect.Effect<QueueHealth>
}
