/**
 * What happens in the durable queue, for screens and alerts.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { HealingRequest } from "../request/HealingRequest.js"

/**
 * Each carries the instant, in milliseconds since 1970, and, where it is about a request, that as it is afterwards. What
 * happens before anybody can listen, while the queue is opened, is only logged.
 *
 * - `Submitted`: it is on disk.
 * - `Coalesced`: another wish was added to it.
 * - `Started`: its review begins. Of one of which there is nothing to review it is not told.
 * - `GivenBack`: it waits again, for no fault of its own: a job runs, a rate limit, a shutdown; or what it is about is not there yet,
 *   as its `reason` says.
 * - `Retrying`: its review failed for this reason, and it waits for another try.
 * - `Ended`: it is completed, failed, skipped, cancelled, or coalesced into another.
 * - `Explained`: a failure of the job that a completed review has explained, and that is not reviewed again; told once for each.
 * - `Paused`, `Resumed`: the queue was.
 * - `RateLimited`: the queue waits until then (milliseconds since 1970); of its end no event tells.
 * - `SetAside`: a row of the store could not be read; it is left there under the state `unreadable`, for a person.
 * - `StoreFailing`: what has happened cannot be written. It is kept and tried again; no review begins meanwhile.
 * - `StoreRecovered`: it has been written.
 *
 * @since 0.1.0
 * @category models
 */
export type HealingEvent = Data.TaggedEnum<{
  Submitted: { readonly at: number; readonly request: HealingRequest }
  Coalesced: { readonly at: number; readonly request: HealingRequest }
  Started: { readonly at: number; readonly request: HealingRequest }
  GivenBack: { readonly at: number; readonly request: HealingRequest }
  Retrying: { readonly at: number; readonly request: HealingRequest; readonly reason: string }
  Ended: { readonly at: number; readonly request: HealingRequest }
  Explained: { readonly at: number; readonly job: string }
  Paused: { readonly at: number }
  Resumed: { readonly at: number }
  RateLimited: { readonly at: number; readonly until: number }
  SetAside: { readonly at: number; readonly number: number; readonly reason: string }
  StoreFailing: { readonly at: number; readonly reason: string }
  StoreRecovered: { readonly at: number }
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const HealingEvent = Data.taggedEnum<HealingEvent>()
