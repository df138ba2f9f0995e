/**
 * What the store holds at a start, and what a restart makes of it.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { HealingStoreError } from "../HealingError.js"
import * as Request from "../request/HealingRequest.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import { type Change, transition } from "../store/Change.js"
import type { Journal, Page } from "../store/Journal.js"

type HealingRequest = Request.HealingRequest

const PAGE = 1000

const GONE = "whoever waited for it was gone after a restart"

/** What a request that was running when its process died becomes. */
const afterDeath = (request: HealingRequest, at: number, maxAttempts: number): HealingRequest => {
  if (request.callersOnly) return Request.end(request, "cancelled", at, GONE)
  return request.attempts + 1 < maxAttempts
    ? Request.retry(request, null)
    : Request.fail(request, at, "its process died during the last of its attempts")
}

/** What a request that was pending before the restart becomes. */
const afterRestart = (request: HealingRequest, at: number, onMaxWait: HealingSettings["onMaxWait"]): HealingRequest => {
  if (request.callersOnly) return Request.end(request, "cancelled", at, GONE)
  return onMaxWait === "fail" && request.waitUntil !== null && request.waitUntil <= at
    ? Request.end(request, "skipped", at, "its max wait had passed when the queue was started again")
    : request
}

/**
 * The requests that are pending from now on, in the order of their arrival. Those that the last process left behind in
 * the middle of a review are among them, unless that was their last attempt.
 *
 * @internal
 */
export const replay = (
  store: Journal,
  at: number,
  { maxAttempts, onMaxWait }: Pick<HealingSettings, "maxAttempts" | "onMaxWait">,
  onSetAside: (setAside: Page["setAside"]) => Effect.Effect<void>
): Effect.Effect<Iterable<HealingRequest>, HealingStoreError> =>
  Effect.gen(function* () {
    const pending = new Map<string, HealingRequest>()
    let wereRunning = 0

    const eachPage = (
      state: "pending" | "running",
      from: number,
      become: (request: HealingRequest) => ReadonlyArray<Change>
    ): Effect.Effect<void, HealingStoreError> =>
      Effect.gen(function* () {
        const { next, requests, setAside } = yield* store.page(state, from, PAGE)
        yield* onSetAside(setAside)
        const changes = requests.flatMap(become)
        if (changes.length > 0) yield* store.commit(changes)
        if (next !== undefined) yield* eachPage(state, next, become)
      })

    yield* eachPage("pending", 0, (request) => {
      const now = afterRestart(request, at, onMaxWait)
      if (now.state === "pending") pending.set(now.job, now)
      return now === request ? [] : [transition("pending", now)]
    })
    yield* eachPage("running", 0, (request) => {
      const now = afterDeath(request, at, maxAttempts)
      wereRunning++
      if (now.state !== "pending") return [transition("running", now)]
      const newer = pending.get(now.job)
      const [merged, gone] = newer === undefined ? [now] : Request.merge(now, newer, at)
      pending.set(now.job, merged)
      return [...(gone === undefined ? [] : [transition("pending", gone)]), transition("running", merged)]
    })
    if (wereRunning === 0) return pending.values()
    yield* Effect.logWarning(`${wereRunning} reviews were cut off by the end of the last process`)
    return Array.from(pending.values()).sort((one, other) => one.number - other.number)
  })
