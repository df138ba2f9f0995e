/**
 * What notices and suggestions need of the scheduler beyond its public face.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { HealingStoreError } from "../HealingError.js"
import type { PolicyIssue } from "../policy/HealingPolicy.js"
import type { JobEvent } from "../supervisor/Supervisor.js"

/**
 * Something has happened to a job that the supervisor has.
 *
 * - `signature`: of a failure; `null` if that cannot be told.
 *
 * @internal
 */
export interface Happened {
  readonly event: JobEvent
  readonly signature: string | null
}

/**
 * - `problems`: what is wrong with policies.
 * - `has`: whether the supervisor has the job.
 *
 * @internal
 */
export interface Policies {
  readonly problems: ReadonlyArray<PolicyIssue>
  readonly has: (job: string) => boolean
}

/**
 * - `onHappened`: from now on this is done for each, before a review is asked for. While it fails it is done again.
 * - `onProblems`: from now on this is told what is wrong with policies, and which jobs there are, whenever that has changed. It may not throw.
 *
 * @internal
 */
export interface ForNotices {
  readonly onHappened: (listener: (happened: Happened) => Effect.Effect<void, HealingStoreError>) => void
  readonly onProblems: (listener: (policies: Policies) => void) => void
}

/**
 * Under this symbol `HealingScheduler` carries it. A member travels with a service that somebody has wrapped (`{ ...service }`).
 *
 * @internal
 */
export const forNotices: unique symbol = Symbol.for("effect-healing/HealingScheduler/ForNotices")

/**
 * What carries it. To those outside of the package the interface is empty.
 */
export interface HasForNotices {
  /** @internal */
  readonly [forNotices]: ForNotices
}
