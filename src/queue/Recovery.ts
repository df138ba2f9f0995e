/**
 * What the store holds at a start, and what a restart makes of it.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Ticket from "../gate/Ticket.js"
import { type HealingStoreError, ReviewError } from "../HealingError.js"
import type * as Request from "../request/HealingRequest.js"
import * as RequestLife from "../request/RequestLife.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import { type Change, queueState, transition } from "../store/Change.js"
import type { Journal, Page } from "../store/Journal.js"
import * as Backoff from "./Backoff.js"
import { HealingEvent } from "./HealingEvent.js"
import type { LiveRequest } from "./LiveRequests.js"
import * as QueueLog from "./QueueLog.js"
import type { QueueParts } from "./QueueParts.js"

type HealingRequest = Request.HealingRequest

const PAGE = 1000

const DAY = Duration.toMillis("1 day")

const GONE = "whoever waited for it was gone after a restart"

/** What a request that was running when its process died becomes. */
const afterDeath = (request: HealingRequest, at: number, maxAttempts: number): HealingRequest => {
  if (request.callersOnly) return RequestLife.end(request, "cancelled", at, GONE)
  return request.attempts + 1 < maxAttempts
    ? RequestLife.retry(request, null)
    : RequestLife.fail(request, at, "its process died during the last of its attempts")
}

/** What a request that was pending before the restart becomes. */
const afterRestart = (request: HealingRequest, at: number, onMaxWait: HealingSettings["onMaxWait"]): HealingRequest => {
  if (request.callersOnly) return RequestLife.end(request, "cancelled", at, GONE)
  return onMaxWait === "fail" && request.waitUntil !== null && request.waitUntil <= at
    ? RequestLife.end(request, "skipped", at, "its max wait had passed when the queue was started again")
    : request
}

/**
 * Takes over what the last process has left in the store. Returns the number of the last request that was ever made.
 *
 * A clock that was ahead is not to prolong what counts from then. What it has put into the future counts from now on if that is not far,
 * and not at all otherwise: nothing of it may begin anew at each start.
 *
 * @internal
 */
export const recover = (
  parts: QueueParts,
  owner: Ticket.Owner<LiveRequest>,
  retries: Backoff.RetrySchedule
): Effect.Effect<number, HealingStoreError> =>
  Effect.gen(function* () {
    const { cooldowns, gate, holds, live: requests, publish, settings, store, wall } = parts
    const at = wall()
    const cooldown = Duration.toMillis(settings.cooldown)
    const lastNumber = yield* store.lastNumber
    yield* recoverState(store, holds)
    const starts = yield* store.automaticStarts(at - DAY, at + DAY, settings.maxReviewsPerDay)
    for (const start of Arr.reverse(starts)) holds.begin(Math.min(start, at))
    for (const [job, ended] of yield* store.lastCompleted(at - cooldown, at + cooldown)) {
      cooldowns.start(job, Math.min(ended, at))
    }
    const reportSetAside = (setAside: Page["setAside"]) =>
      Effect.forEach(
        setAside,
        ({ number, reason }) => {
          publish(HealingEvent.SetAside({ at: wall(), number, reason }))
          return Effect.logWarning(`The request ${number} in ${store.location} was set aside: ${reason}`)
        },
        { discard: true }
      )
    const { cutOff, pending } = yield* replay(store, at, settings, reportSetAside)
    for (const request of pending) {
      gate.enter(requests.add(yield* withoutJump(request, at, cooldown, retries), owner))
    }
    yield* QueueLog.starting(store.location, requests.pendingCount, cutOff)
    return lastNumber
  })

/** A rate limit that is shorter from now on is written, or it would begin anew at each start. */
const recoverState = (store: Journal, holds: QueueParts["holds"]): Effect.Effect<void, HealingStoreError> =>
  Effect.flatMap(store.queueState, (stored) => {
    const state = holds.remember(stored ?? holds.state())
    return stored === undefined || stored.rateLimitedUntil === state.rateLimitedUntil
      ? Effect.void
      : store.commit([queueState(state)])
  })

/** A clock that was set back is not to prolong what a request waits for. */
const withoutJump = (
  request: HealingRequest,
  at: number,
  cooldown: number,
  retries: Backoff.RetrySchedule
): Effect.Effect<HealingRequest> => {
  const { notBefore } = request
  if (notBefore === null) return Effect.succeed(request)
  const error = new ReviewError({ job: request.job, reason: "", retry: { _tag: "Backoff" } })
  return Effect.map(Backoff.delayAfter(retries, request.attempts, error, at), (delay) => {
    const longest =
      at +
      Math.max(
        request.cooldown ?? cooldown,
        Option.getOrElse(delay, () => 0)
      )
    return notBefore > longest ? { ...request, notBefore: longest } : request
  })
}

/**
 * The requests that are pending from now on, in the order of their arrival. Those that the last process left behind in
 * the middle of a review are among them, unless that was their last attempt.
 */
const replay = (
  store: Journal,
  at: number,
  { maxAttempts, onMaxWait }: Pick<HealingSettings, "maxAttempts" | "onMaxWait">,
  onSetAside: (setAside: Page["setAside"]) => Effect.Effect<void>
): Effect.Effect<{ readonly pending: Iterable<HealingRequest>; readonly cutOff: number }, HealingStoreError> =>
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
      const [merged, gone] = newer === undefined ? [now] : RequestLife.merge(now, newer, at)
      pending.set(now.job, merged)
      return [...(gone === undefined ? [] : [transition("pending", gone)]), transition("running", merged)]
    })
    if (wereRunning === 0) return { pending: pending.values(), cutOff: 0 }
    return {
      pending: Array.from(pending.values()).sort((one, other) => one.number - other.number),
      cutOff: wereRunning
    }
  })
