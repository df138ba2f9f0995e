/**
 * What the parts of the queue work with.
 *
 * @internal
 */
import type { Gate } from "../gate/Gate.js"
import { HealingStoreError } from "../HealingError.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import type { Journal } from "../store/Journal.js"
import type { Cooldowns } from "./Cooldowns.js"
import type { HealingEvent } from "./HealingEvent.js"
import type { Ledger } from "./Ledger.js"
import type { LiveRequests } from "./LiveRequests.js"
import type { QueueHolds } from "./QueueHolds.js"

/**
 * - `wall`: now, in milliseconds since 1970.
 * - `publish`: tells those who listen to the events of the queue.
 * - `isClosed`: whether nothing is taken in and nothing begins any more.
 *
 * @internal
 */
export interface QueueParts {
  readonly settings: HealingSettings
  readonly gate: Gate
  readonly store: Journal
  readonly live: LiveRequests
  readonly ledger: Ledger
  readonly holds: QueueHolds
  readonly cooldowns: Cooldowns
  readonly wall: () => number
  readonly publish: (event: HealingEvent) => void
  readonly isClosed: () => boolean
}

/**
 * What is said to those who ask once it is closed.
 *
 * @internal
 */
export const closedError = new HealingStoreError({
  reason: "Closed",
  detail: "The queue of healing requests is closed"
})
