/**
 * A wish becomes a request, or joins the pending one of its job.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Ticket from "../gate/Ticket.js"
import { HealingClosed, type HealingInvalid, HealingQueueFull, type HealingStoreError } from "../HealingError.js"
import * as Request from "../request/HealingRequest.js"
import * as RequestLife from "../request/RequestLife.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import { type Change, occurrence } from "../store/Change.js"
import * as Caller from "./Caller.js"
import type { Endings } from "./Endings.js"
import type { Due, ForScheduler } from "./ForScheduler.js"
import { HealingEvent } from "./HealingEvent.js"
import { decodeWish, type HealingWish, Submission } from "./HealingWish.js"
import { answerAll, isWanted, type LiveRequest } from "./LiveRequests.js"
import { type QueueParts, whyClosed } from "./QueueParts.js"
import type { HealError, Review } from "./Review.js"
import type { Reviewing } from "./Reviewing.js"

/** @internal */
export interface Submitting {
  readonly submit: ForScheduler["submit"]
  readonly heal: (wish: HealingWish) => Effect.Effect<Review, HealError>
}

/**
 * What is known of a wish beside itself.
 *
 * - `caller`: who waits for the review, if anybody does.
 * - `due`: the occurrence of a schedule that it is for.
 * - `isLast`: whether there will be no other try to write it.
 */
interface Why {
  readonly caller?: Caller.Caller
  readonly due?: Due | undefined
  readonly isLast?: boolean | undefined
}

/** The effect ends when the wish is on disk. */
type Place = (
  wish: RequestLife.Wish,
  why: Why
) => Either.Either<Effect.Effect<Submission, HealingStoreError>, HealingQueueFull>

/**
 * `nextNumber` gives the number of the next request.
 *
 * @internal
 */
export const make = (
  parts: QueueParts,
  { endUnreviewed }: Pick<Endings, "endUnreviewed">,
  { owner, stop }: Reviewing,
  nextNumber: () => number
): Submitting => {
  const { gate, isClosed, live: requests, settings, wall } = parts

  /** One who waited has gone. Returns whether it was still waiting. */
  const leave = (caller: Caller.Caller, live = requests.withCaller(caller)): boolean => {
    if (caller.outcome !== undefined || live?.audience.callers?.delete(caller) !== true) return false
    if (isWanted(live)) requests.update(live, live.request)
    else if (!requests.isPending(live)) return true
    else if (live.request.callersOnly) endUnreviewed(live, "cancelled", "nobody waits for it any more")
    else endUnreviewed(live, "skipped", "its max wait had passed, and nobody else waits for it any more")
    return true
  }

  /** The same, and its review is interrupted if nobody else wants it; the effect waits for the end of that. */
  const detach = (caller: Caller.Caller): Effect.Effect<void> =>
    Effect.suspend(() => {
      const live = requests.withCaller(caller)
      if (!leave(caller, live) || live === undefined || isWanted(live)) return Effect.void
      return requests.isRunning(live) ? stop(live, "cancelled") : Effect.void
    })

  const place = placeIn(parts, owner, nextNumber, leave)
  const recall = recallIn(parts)

  return {
    submit: (input, { due, isLast, signature = null } = {}) =>
      Effect.flatMap(decode(input, settings), ({ maxWait = Number.POSITIVE_INFINITY, wish }) =>
        Effect.zipRight(
          recall(wish),
          Effect.uninterruptible(
            Effect.suspend((): Effect.Effect<Submission, HealingStoreError | HealingQueueFull> => {
              if (isClosed()) return Effect.fail(whyClosed(parts))
              const waitUntil = Number.isFinite(maxWait) ? Request.instant(wall() + maxWait) : null
              return Effect.flatten(place({ ...wish, signature, callersOnly: false, waitUntil }, { due, isLast }))
            })
          )
        )
      ),
    heal: (input) =>
      Effect.gen(function* () {
        const { maxWait = Duration.toMillis(settings.maxWait), wish } = yield* decode(input, settings)
        const deadlock = yield* gate.deadlock(wish.job)
        if (deadlock !== undefined) return yield* deadlock
        yield* recall(wish)
        return yield* Effect.uninterruptibleMask((restore) =>
          Effect.suspend((): Effect.Effect<Review, HealError> => {
            if (isClosed() || gate.isClosed()) return Effect.fail(new HealingClosed({ job: wish.job }))
            const caller = Caller.make(wish.job, gate.now(), maxWait, false)
            const placed = place({ ...wish, callersOnly: true, waitUntil: null }, { caller })
            if (Either.isLeft(placed)) return Effect.fail(placed.left)
            return Effect.onInterrupt(restore(Caller.awaitAnswer(caller)), () => detach(caller))
          })
        )
      })
  }
}

/** The wish, and how long it says that it may wait, in milliseconds. */
const decode = (
  input: HealingWish,
  settings: Pick<HealingSettings, "priority">
): Effect.Effect<
  { readonly maxWait: number | undefined; readonly wish: Omit<RequestLife.Wish, "callersOnly" | "waitUntil"> },
  HealingInvalid
> =>
  Effect.map(decodeWish(input), ({ cooldown, job, maxWait, note, priority, runId, trigger = "manual" }) => ({
    maxWait: maxWait && Duration.toMillis(maxWait),
    wish: {
      job,
      trigger,
      priority: priority ?? settings.priority - below(trigger),
      runId: runId ?? null,
      note: note ?? null,
      cooldown: cooldown === undefined ? null : Math.round(Duration.toMillis(cooldown)),
      signature: null
    }
  }))

/** How far the priority of a request is below the setting. */
const below = (trigger: string): number => (trigger === "manual" ? 0 : trigger === "schedule" ? 20 : 10)

/** Learns what the cool-down of a job goes by, if that is longer than what is kept in memory. */
const recallIn =
  ({ cooldowns, store, wall }: QueueParts) =>
  ({ cooldown, job, trigger }: Pick<RequestLife.Wish, "cooldown" | "job" | "trigger">) =>
    trigger === "manual" || !cooldowns.mayHaveForgotten(job, cooldown)
      ? Effect.void
      : Effect.map(store.history({ job, states: ["completed"], limit: 1 }), ([last]) => {
          if (last?.endedAt != null) cooldowns.remember(job, Math.min(last.endedAt, wall()))
        })

const placeIn = (
  { cooldowns, gate, holds, isClosed, ledger, live: requests, publish, settings, wall }: QueueParts,
  owner: Ticket.Owner<LiveRequest>,
  nextNumber: () => number,
  leave: (caller: Caller.Caller) => boolean
): Place => {
  const join = (live: LiveRequest, wish: RequestLife.Wish, { caller, due, isLast }: Why) => {
    const request = RequestLife.coalesce(live.request, wish)
    requests.update(live, request)
    live.unwritten++
    if (caller !== undefined) requests.attach(live, caller)
    const written = ledger.wish(
      live,
      { from: "pending", to: request, after: () => occurrenceOf(request, due) },
      {
        isLast,
        written: () => {
          live.unwritten--
          live.settled = request
          publish(HealingEvent.Coalesced({ at: wall(), request }))
        },
        failed: (error) => {
          live.unwritten--
          // Nobody has acknowledged it.
          if (live.request === request) requests.update(live, live.settled)
          if (caller !== undefined && leave(caller)) Caller.answer(caller, Effect.fail(error))
        }
      }
    )
    return Effect.as(written, Submission.Coalesced({ id: request.id }))
  }

  const insert = (wish: RequestLife.Wish, { caller, due, isLast }: Why) => {
    const at = wall()
    const isAutomatic = wish.trigger !== "manual"
    const request = RequestLife.accept(
      nextNumber(),
      wish,
      at,
      isAutomatic ? cooldowns.endOf(wish.job, at, wish.cooldown) : null
    )
    const live = requests.add(request, owner)
    if (caller !== undefined) requests.attach(live, caller)
    const written = ledger.wish(
      live,
      { from: null, to: request, after: () => occurrenceOf(request, due) },
      {
        isLast,
        written: () => {
          publish(HealingEvent.Submitted({ at: wall(), request }))
          if (requests.isPending(live) && !isClosed()) gate.enter(live)
        },
        failed: (error) => {
          live.lost ??= error
          requests.remove(live)
          answerAll(live, Effect.fail(error))
        }
      }
    )
    const earliest = isAutomatic ? Math.max(request.notBefore ?? at, holds.fullUntil(at) ?? at) : at
    const notBefore = earliest > at ? earliest : null
    return Effect.as(written, Submission.Accepted({ id: request.id, notBefore }))
  }

  return (wish, why) => {
    const pending = requests.pendingOf(wish.job)
    if (pending !== undefined) return Either.right(join(pending, wish, why))
    if (requests.pendingCount >= settings.maxPending) {
      return Either.left(new HealingQueueFull({ job: wish.job, maxPending: settings.maxPending }))
    }
    return Either.right(insert(wish, why))
  }
}

const occurrenceOf = ({ job, number }: Request.HealingRequest, due: Due | undefined): ReadonlyArray<Change> =>
  due === undefined ? [] : [occurrence({ ...due, job, request: number, reason: null })]
