/**
 * The one way to say that a change is not on disk yet, and to hear when it is.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { HealingStoreError } from "../HealingError.js"
import type { HealingRequest, RequestState } from "../request/HealingRequest.js"
import { type Change, transition } from "../store/Change.js"
import type { BatchWriter } from "./BatchWriter.js"
import type { LiveRequest } from "./LiveRequests.js"

/**
 * A transition of a request that is live: from this state, `null` if it is not there yet, to this. What is written with it, before it
 * and after it, is asked for when it is written.
 *
 * @internal
 */
export interface LiveChange {
  readonly from: RequestState | null
  readonly to: HealingRequest
  readonly before?: () => ReadonlyArray<Change>
  readonly after?: () => ReadonlyArray<Change>
}

/**
 * - `wish`: a change that somebody wants. It holds in memory from the call on. The effect ends when it is on disk, and fails when it
 *   cannot be written: `failed` has taken it back by then. One that `isLast` is tried at once, also while the store fails.
 * - `happened`: a change that cannot be taken back. It is kept until it could be written, and everything after it waits for that.
 *   `stuck` is told at each try that fails; `done` once it is written, or that it never can be.
 *
 * What happens to a request that was lost is not written any more, except for what is written before it and after it.
 *
 * @internal
 */
export interface Ledger {
  readonly wish: (
    live: LiveRequest,
    change: Omit<LiveChange, "before">,
    told: {
      readonly written: () => void
      readonly failed: (error: HealingStoreError) => void
      readonly isLast?: boolean | undefined
    }
  ) => Effect.Effect<void, HealingStoreError>
  readonly happened: (
    live: LiveRequest,
    change: LiveChange,
    told: {
      readonly stuck?: (error: HealingStoreError) => void
      readonly done: (error: HealingStoreError | undefined) => void
    }
  ) => void
}

/**
 * - `reportBug`: what could not be written, though nothing was wrong with the store, is worth a person's attention.
 *
 * @internal
 */
export const make = (writer: BatchWriter, reportBug: (error: HealingStoreError) => void): Ledger => ({
  wish: (live, { after, from, to }, { failed, isLast, written }) =>
    Effect.flatMap(
      writer.write(
        () => (live.lost === undefined ? [transition(from, to), ...(after?.() ?? [])] : []),
        (failure) => {
          if (failure?.reason === "UnexpectedState") reportBug(failure)
          const error = failure ?? live.lost
          if (error === undefined) written()
          else failed(error)
        },
        isLast
      ),
      () => (live.lost === undefined ? Effect.void : Effect.fail(live.lost))
    ),
  happened: (live, { after, before, from, to }, { done, stuck }) =>
    writer.record(
      () => [...(before?.() ?? []), ...(live.lost === undefined ? [transition(from, to)] : []), ...(after?.() ?? [])],
      {
        ...(stuck !== undefined && { failed: stuck }),
        done: (error) => {
          if (error !== undefined) reportBug(error)
          done(error)
        }
      }
    )
})
