/**
 * What the parts of the queue work with.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
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
 * - `lost`: why the queue has ended before its layer has.
 * - `log`: says something in the log, later.
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
  readonly lost: () => HealingStoreError | undefined
  readonly log: (said: Effect.Effect<void>) => void
}

/** What is said to those who ask once it is closed. */
const closedError = new HealingStoreError({
  reason: "Closed",
  detail: "The queue of healing requests is closed"
})

/**
 * What is said to those who ask once it is closed.
 *
 * @internal
 */
export const whyClosed = ({ lost }: Pick<QueueParts, "lost">): HealingStoreError => lost() ?? closedError
