/**
 * What is pending and running, in memory: of each job at most one of each (R14), and those who wait for them.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Gate } from "../gate/Gate.js"
import type { Lane } from "../gate/Lanes.js"
import { byTurn } from "../gate/Line.js"
import * as Ticket from "../gate/Ticket.js"
import type { HealingStoreError } from "../HealingError.js"
import { type HealingRequest, isAutomatic, jobOf } from "../request/HealingRequest.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import { answer, type Caller } from "./Caller.js"
import type { Counted } from "./DailyLimit.js"
import type { HealError, Review } from "./Review.js"

/**
 * Who waits for the end of a request.
 *
 * - `until`: the monotonic instant of `waitUntil`; `-Infinity` once it has passed and only callers are left.
 * - `callers`: those who want the request.
 * - `watchers`: those who do not.
 *
 * @internal
 */
export interface Audience {
  until: number
  callers: Set<Caller> | undefined
  watchers: Set<Caller> | undefined
}

/**
 * What reviews a request, from its grant to the end of its turn.
 *
 * - `counted`: that it has begun, as the limit of reviews per day counts it; of automatic ones only.
 * - `ending`: why the review is being interrupted.
 *
 * @internal
 */
export interface UnderReview {
  readonly fiber: Fiber.RuntimeFiber<void>
  readonly counted: Counted | undefined
  ending: "timedOut" | "cancelled" | "closed" | undefined
}

/** @internal */
export interface LiveRequest extends Ticket.Ticket {
  /** The monotonic instant of the request's own `notBefore`; `-Infinity` for none. */
  delayedUntil: number
  request: HealingRequest
  /** The same without the wishes that are not on disk yet: if one of them cannot be written, it becomes this again. */
  settled: HealingRequest
  /** How many of those wishes there are. */
  unwritten: number
  /** Why it was never written, and never will be. */
  lost: HealingStoreError | undefined
  readonly audience: Audience
  review: UnderReview | undefined
}

/**
 * The lanes of the queue in the gate: requests that somebody has made by hand, and all others.
 *
 * @internal
 */
export interface QueueLanes {
  readonly manual: Lane<Ticket.Ticket>
  readonly automatic: Lane<Ticket.Ticket>
}

/** @internal */
export class LiveRequests {
  /** Those whose insertion is being written included. */
  readonly #pending = new Map<string, LiveRequest>()
  readonly #running = new Map<string, LiveRequest>()
  /** Those of each job that have ended, until that is on disk. */
  readonly #ended = new Map<string, Set<LiveRequest>>()
  readonly #gate: Gate
  readonly #lanes: QueueLanes
  readonly #wall: () => number
  readonly #reviewTimeout: number
  /** If there is one turn for all, a request waits for the other review of its job anyway. */
  readonly #isConcurrent: boolean

  constructor(
    gate: Gate,
    lanes: QueueLanes,
    wall: () => number,
    settings: Pick<HealingSettings, "maxConcurrent" | "reviewTimeout">
  ) {
    this.#gate = gate
    this.#lanes = lanes
    this.#wall = wall
    this.#reviewTimeout = Duration.toMillis(settings.reviewTimeout)
    this.#isConcurrent = settings.maxConcurrent > 1
  }

  pendingOf(job: string): LiveRequest | undefined {
    return this.#pending.get(job)
  }

  runningOf(job: string): LiveRequest | undefined {
    return this.#running.get(job)
  }

  isPending(live: LiveRequest): boolean {
    return this.#pending.get(live.job) === live
  }

  isRunning(live: LiveRequest): boolean {
    return this.#running.get(live.job) === live
  }

  /** The one that the caller waits for. Which one of its job that is can change: the pending one may merge with the running one. */
  withCaller(caller: Caller): LiveRequest | undefined {
    return this.#of(caller.job).find((live) => live.audience.callers?.has(caller))
  }

  get pendingCount(): number {
    return this.#pending.size
  }

  get pending(): Iterable<LiveRequest> {
    return this.#pending.values()
  }

  get running(): Iterable<LiveRequest> {
    return this.#running.values()
  }

  /** What is running, then what is pending and on disk, in the order of its turns. */
  inOrder(): ReadonlyArray<HealingRequest> {
    const at = this.#gate.now()
    // A delay that is over makes no difference any more.
    const delay = ({ notBefore }: LiveRequest) => Math.max(notBefore, at)
    const waiting = Array.from(this.#pending.values()).filter(({ stage }) => stage === "waiting")
    const inOrder = waiting.sort((a, b) => delay(a) - delay(b) || byTurn(a, b))
    return [...this.#running.values(), ...inOrder].map(({ request }) => request)
  }

  /** One more is pending, at the next place in the sequence of calls, but not in line yet. */
  add(request: HealingRequest, owner: Ticket.Owner<LiveRequest>): LiveRequest {
    const until = this.#untilOf(request)
    const delayedUntil = this.#delayedUntil(request)
    const live: LiveRequest = {
      ...Ticket.make({
        job: request.job,
        lane: this.#laneOf(request),
        priority: request.priority,
        place: this.#gate.nextPlace(),
        notBefore: this.#notBeforeOf({ job: request.job, delayedUntil }),
        deadline: request.callersOnly ? Number.POSITIVE_INFINITY : until,
        calledAt: this.#gate.now(),
        limit: this.#reviewTimeout
      }),
      owner,
      delayedUntil,
      request,
      settled: request,
      unwritten: 0,
      lost: undefined,
      audience: { until, callers: undefined, watchers: undefined },
      review: undefined
    }
    this.#pending.set(request.job, live)
    return live
  }

  /** It is running from now on, as this. */
  begin(live: LiveRequest, running: HealingRequest): void {
    this.#pending.delete(live.job)
    this.#running.set(live.job, live)
    live.request = running
    live.delayedUntil = Number.NEGATIVE_INFINITY
  }

  /** It is pending again, as this; to be lined up by the caller. */
  putBack(live: LiveRequest, pending: HealingRequest): void {
    this.#running.delete(live.job)
    this.#pending.set(live.job, live)
    this.update(live, pending)
  }

  /** It is neither pending nor running any more. The pending one of its job, if any, need not wait for it any longer. */
  remove(live: LiveRequest): void {
    if (this.isPending(live)) this.#pending.delete(live.job)
    if (!this.isRunning(live)) return
    this.#running.delete(live.job)
    const next = this.#pending.get(live.job)
    if (next !== undefined) this.update(next, next.request)
  }

  /** It has ended as this. */
  end(live: LiveRequest, ended: HealingRequest): void {
    this.remove(live)
    live.request = ended
    const ofJob = this.#ended.get(live.job)
    if (ofJob === undefined) this.#ended.set(live.job, new Set([live]))
    else ofJob.add(live)
  }

  /** Its end is on disk, or never will be. */
  forget(live: LiveRequest): void {
    const ofJob = this.#ended.get(live.job)
    ofJob?.delete(live)
    if (ofJob?.size === 0) this.#ended.delete(live.job)
  }

  /** The one with this id, as long as its row may be out of date. */
  withId(id: string): LiveRequest | undefined {
    return this.#of(jobOf(id)).find(({ request }) => request.id === id)
  }

  /** One more waits for the end of a request, without wanting it. */
  watch(live: LiveRequest, watcher: Caller): void {
    if (live.audience.watchers === undefined) live.audience.watchers = new Set()
    live.audience.watchers.add(watcher)
  }

  /** It waits no longer. Which request it waited for can have changed, as for those who want one. */
  unwatch(watcher: Caller): void {
    for (const live of this.#of(watcher.job)) live.audience.watchers?.delete(watcher)
  }

  /** All who wait for the newer one wait for the older one, with which it has merged. */
  moveCallers(newer: LiveRequest, older: LiveRequest): void {
    for (const caller of newer.audience.callers ?? []) this.attach(older, caller)
    for (const watcher of newer.audience.watchers ?? []) this.watch(older, watcher)
    newer.audience.callers = undefined
    newer.audience.watchers = undefined
  }

  /** It stands for this request from now on. */
  update(live: LiveRequest, request: HealingRequest): void {
    this.#gate.rearrange(live, () => {
      // A time that is as it was keeps its instant, whatever the wall clock shows by now.
      if (request.waitUntil !== live.request.waitUntil) live.audience.until = this.#untilOf(request)
      if (request.notBefore !== live.request.notBefore) live.delayedUntil = this.#delayedUntil(request)
      live.request = request
      live.lane = this.#laneOf(request)
      live.priority = request.priority
      live.notBefore = this.#notBeforeOf(live)
      live.deadline = deadlineOf(live)
    })
  }

  /** One more waits for it. */
  attach(live: LiveRequest, caller: Caller): void {
    if (live.audience.callers === undefined) live.audience.callers = new Set()
    live.audience.callers.add(caller)
    this.#gate.rearrange(live, () => {
      live.deadline = deadlineOf(live)
    })
  }

  /** Those of a job: pending, running, and ended. */
  #of(job: string): ReadonlyArray<LiveRequest> {
    const live = [this.#pending.get(job), this.#running.get(job), ...(this.#ended.get(job) ?? [])]
    return live.filter((live) => live !== undefined)
  }

  #laneOf(request: HealingRequest): Lane<Ticket.Ticket> {
    return isAutomatic(request) ? this.#lanes.automatic : this.#lanes.manual
  }

  /** One that has to await the end of another review of its job is delayed for ever: until it is updated. */
  #notBeforeOf({ delayedUntil, job }: Pick<LiveRequest, "delayedUntil" | "job">): number {
    return this.#isConcurrent && this.#running.has(job) ? Number.POSITIVE_INFINITY : delayedUntil
  }

  #delayedUntil({ notBefore }: HealingRequest): number {
    return notBefore === null ? Number.NEGATIVE_INFINITY : this.#toMonotonic(notBefore)
  }

  #untilOf({ waitUntil }: HealingRequest): number {
    return waitUntil === null ? Number.POSITIVE_INFINITY : this.#toMonotonic(waitUntil)
  }

  #toMonotonic(at: number): number {
    return this.#gate.now() + (at - this.#wall())
  }
}

/**
 * The instant at which the first of those who want it gives up.
 *
 * @internal
 */
export const deadlineOf = (live: LiveRequest): number => {
  if (live.overdue) return Number.POSITIVE_INFINITY
  let deadline = wantsStill(live) ? live.audience.until : Number.POSITIVE_INFINITY
  for (const caller of live.audience.callers ?? []) deadline = Math.min(deadline, caller.deadline)
  return deadline
}

/** Whether it was submitted, and not for a time that has passed. */
const wantsStill = ({ audience, request }: LiveRequest): boolean =>
  !request.callersOnly && audience.until > Number.NEGATIVE_INFINITY

/** @internal */
export const isWanted = (live: LiveRequest): boolean =>
  wantsStill(live) || (live.audience.callers !== undefined && live.audience.callers.size > 0)

/**
 * Nobody's max wait ends any more, since the review begins.
 *
 * @internal
 */
export const endWaits = (live: LiveRequest): void => {
  live.audience.until = Number.POSITIVE_INFINITY
  for (const caller of live.audience.callers ?? []) caller.deadline = Number.POSITIVE_INFINITY
}

/**
 * Answers all who wait for it. `watched` is for those who only watch.
 *
 * @internal
 */
export const answerAll = (
  { audience }: LiveRequest,
  outcome: Effect.Effect<Review, HealError>,
  watched = outcome
): void => {
  for (const caller of audience.callers ?? []) answer(caller, outcome)
  for (const watcher of audience.watchers ?? []) answer(watcher, watched)
  audience.callers = undefined
  audience.watchers = undefined
}
