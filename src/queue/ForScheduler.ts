/**
 * What the scheduler needs of the queue beyond its public face.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { HealingInvalid, HealingQueueFull, HealingStoreError } from "../HealingError.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import type { Occurrence } from "../store/Change.js"
import type { HealingWish, Submission } from "./HealingWish.js"

/**
 * When a review was due by the schedule of its job. It is written with the request that comes of it.
 *
 * @internal
 */
export type Due = Pick<Occurrence, "first" | "at" | "schedule">

/**
 * Why a request that nobody has made by hand is not to be reviewed after all, if it is not.
 *
 * @internal
 */
export type Veto = (request: HealingRequest) => string | undefined

/**
 * - `submit`: asks for a review as `HealingQueue.submit` does, with what is known about why: `due`, the occurrence of a schedule;
 *   `signature`, that of a failure, by which one that was reviewed already is not reviewed again; `isLast`, whether there will be
 *   no other try.
 * - `write`: writes what has come of occurrences. Like wishes, they are refused at once while the store fails.
 * - `writeWatched`: writes for how long jobs were watched.
 * - `tellExplained`: a failure of the job is not reviewed, since a review has explained it.
 * - `look`: sees whether the clock was set or the machine was suspended, and does what is due. Nothing else tells so. It is
 *   done each minute.
 * - `addVeto`: from now on this is asked before each review that nobody has made by hand.
 *
 * @internal
 */
export interface ForScheduler {
  readonly submit: (
    wish: HealingWish,
    why?: {
      readonly due?: Due | undefined
      readonly signature?: string | null | undefined
      readonly isLast?: boolean | undefined
    }
  ) => Effect.Effect<Submission, HealingInvalid | HealingQueueFull | HealingStoreError>
  readonly write: (occurrences: ReadonlyArray<Occurrence>) => Effect.Effect<void, HealingStoreError>
  readonly writeWatched: (watched: ReadonlyMap<string, number | null>) => Effect.Effect<void, HealingStoreError>
  readonly tellExplained: (job: string) => void
  readonly addVeto: (veto: Veto) => void
  readonly look: () => void
}

/**
 * Under this symbol `HealingQueue` carries it. A member travels with a service that somebody has wrapped (`{ ...service }`).
 *
 * @internal
 */
export const forScheduler: unique symbol = Symbol.for("effect-healing/HealingQueue/ForScheduler")

/**
 * What carries it. To those outside of the package the interface is empty.
 */
export interface HasForScheduler {
  /** @internal */
  readonly [forScheduler]: ForScheduler
}
