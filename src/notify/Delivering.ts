/**
 * Sends the notices of one channel, one at a time, in the order of each job, until they are sent or have failed for good.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type HealingStoreError, NotifyError } from "../HealingError.js"
import * as Clocks from "../internal/Clocks.js"
import { count } from "../internal/Plural.js"
import * as SafeLog from "../internal/SafeLog.js"
import type { NotifySettings } from "../settings/HealingConfig.js"
import { type Change, notice as noticeChange } from "../store/Change.js"
import type { Delivery, NoticeJournal, StoredDelivery } from "../store/NoticeJournal.js"
import type { Channel } from "./Channel.js"
import * as ChannelHealth from "./ChannelHealth.js"
import { MAX_RETRY_AFTER } from "./ChannelHealth.js"
import * as Notice from "./Notice.js"
import { PAUSE } from "./Persistently.js"
import { quietUntil } from "./QuietTime.js"

/** A timer does not hear of a clock that is set. */
const LONGEST_SLEEP = Duration.toMillis("1 hour")

const PAGE = 100

const UNREADABLE = "its row cannot be read"

const MAX_REASON = 500

/** No next try is further ahead than this, but for one that was set by a clock that was ahead. */
const MAX_AHEAD = MAX_RETRY_AFTER + Duration.toMillis("2 minutes")

/** What waits for one channel. A channel that is dead for long is no reason for a database that grows. */
const MAX_PENDING = 20_000

/**
 * One that is not in the store, since that fails.
 *
 * - `sent`: whether it has arrived by now.
 *
 * @internal
 */
export interface InMemory {
  readonly notice: Notice.Notice
  sent: boolean
}

/**
 * - `wake`: there may be something to send.
 * - `fromMemory`: sends this before all others, although it is not in the store.
 * - `trouble`: why the last try has failed, if it has.
 *
 * @internal
 */
export interface Delivering {
  readonly wake: Effect.Effect<void>
  readonly fromMemory: (one: InMemory) => Effect.Effect<void>
  readonly forget: (one: InMemory) => void
  readonly trouble: () => string | undefined
}

/** @internal */
export interface DeliveringOptions {
  readonly channel: Channel
  readonly settings: Pick<NotifySettings, "quietHours" | "retryFor">
  readonly store: NoticeJournal
  readonly isIdle: Effect.Effect<boolean>
  readonly wall: () => number
  readonly record: (changes: ReadonlyArray<Change>) => Effect.Effect<void, HealingStoreError>
}

/**
 * One try, which ends in time whatever the channel does.
 *
 * @internal
 */
export const sendThrough = (
  { alone, patience, send }: Channel,
  notice: Notice.Notice
): Effect.Effect<void, NotifyError> =>
  Effect.suspend(() => send(notice)).pipe(
    Effect.disconnect,
    Effect.timeoutFail({
      duration: patience,
      onTimeout: () =>
        new NotifyError({ reason: "Failed", detail: `it has not answered within ${Duration.format(patience)}` })
    }),
    alone,
    // A channel of the user's own may do anything: it may die of a notice, or interrupt itself.
    Effect.catchAllCause((cause) =>
      Effect.fail(
        Option.getOrElse(
          Cause.failureOption(cause),
          () => new NotifyError({ reason: "Failed", detail: "it has broken off" })
        )
      )
    )
  )

/**
 * It goes on for as long as the scope is open.
 *
 * Longer than a screen, since all of it is about one channel: what is next, how it is sent, and what is written of it.
 *
 * @internal
 */
export const make = ({
  channel,
  isIdle,
  record,
  settings,
  store,
  wall
}: DeliveringOptions): Effect.Effect<Delivering, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { name } = channel
    const clock = yield* Effect.clock
    const now = () => Clocks.millis(clock)
    const wake = yield* Effect.makeLatch(true)
    const retryFor = Duration.toMillis(settings.retryFor)
    const health = ChannelHealth.make(name, now)
    const memory: Array<InMemory> = []
    /** What has come of tries and could not be written yet: whether that was the end. */
    const unwritten = new Map<number, boolean>()
    const sendOnce = (notice: Notice.Notice) => Effect.either(Effect.interruptible(sendThrough(channel, notice)))

    const settle = (number: number, to: Pick<Delivery, "attempts" | "endedAt" | "nextTry" | "reason" | "state">) =>
      Effect.suspend(() => {
        unwritten.set(number, to.state !== "pending")
        return record([noticeChange({ _tag: "Tried", number, to })]).pipe(
          Effect.zipRight(Effect.sync(() => unwritten.delete(number))),
          // It is kept, and written when the store can be.
          Effect.ignore
        )
      })

    /** Nothing more comes of it: it was sent, or has failed for good. */
    const end = (number: number, attempts: number, reason: string | null) =>
      settle(number, {
        attempts,
        endedAt: wall(),
        nextTry: null,
        reason,
        state: reason === null ? "sent" : "failed"
      })

    /** From now on nothing is added to it. Answers with what it is by then. */
    const seal = (row: StoredDelivery) =>
      Effect.gen(function* () {
        if (row.kind !== "Several" || row.attempts > 0) return row
        const { nextTry, number, reason } = row
        yield* record([
          noticeChange({ _tag: "Tried", number, to: { attempts: 1, endedAt: null, nextTry, reason, state: "pending" } })
        ])
        const [sealed = row] = yield* store.pending(name, number - 1, false, 1)
        return sealed
      })

    const sendStored = (found: StoredDelivery) =>
      Effect.gen(function* () {
        const row = yield* seal(found)
        const { attempts, number } = row
        const read = Notice.fromJson(row.notice)
        if (Either.isLeft(read)) return yield* end(number, attempts, UNREADABLE)
        const result = yield* sendOnce(read.right)
        if (Either.isRight(result)) {
          yield* health.works
          return yield* end(number, attempts, null)
        }
        const reason = result.left.detail.slice(0, MAX_REASON)
        if (result.left.reason === "Refused") {
          yield* health.works
          yield* SafeLog.warn(`The channel "${name}" has refused the notice "${read.right.title}": ${reason}`)
          return yield* end(number, attempts + 1, reason)
        }
        const wait = yield* health.fails(result.left)
        return yield* settle(number, {
          attempts: attempts + 1,
          endedAt: null,
          nextTry: wall() + wait,
          reason,
          state: "pending"
        })
      }).pipe(Effect.uninterruptible)

    const forget = (one: InMemory) => {
      const index = memory.indexOf(one)
      if (index >= 0) memory.splice(index, 1)
    }

    const sendFromMemory = (one: InMemory) =>
      Effect.gen(function* () {
        const result = yield* sendOnce(one.notice)
        if (Either.isLeft(result) && result.left.reason === "Failed") return void (yield* health.fails(result.left))
        one.sent = true
        forget(one)
        yield* health.works
      }).pipe(Effect.uninterruptible)

    const fail = (createdBefore: number, at: number, reason: string) =>
      Effect.gen(function* () {
        const lost = yield* store.olderThan(name, createdBefore)
        if (lost === 0) return
        yield* record([noticeChange({ _tag: "Expire", channel: name, createdBefore, at, reason })])
        yield* SafeLog.warn(`${count(lost, "notice")} for the channel "${name}" failed for good: ${reason}`)
      })

    /**
     * What the channel has not taken for so long has failed for good, also what was never tried since it takes nothing. Time counts in which this
     * process has tried it: not that of quiet hours, or in which it was down.
     */
    const expire = (at: number) =>
      Effect.gen(function* () {
        const why = health.trouble()
        if (why === undefined) return
        if (health.failingFor() >= retryFor) {
          const reason = `it could not be sent within ${Duration.format(settings.retryFor)}: ${why}`
          yield* fail(at - retryFor, at, reason)
        }
        const oldestKept = yield* store.newest(name, MAX_PENDING)
        if (Option.isSome(oldestKept)) {
          const reason = `more than ${MAX_PENDING} wait for this channel, which takes none: ${why}`
          yield* fail(oldestKept.value, at, reason)
        }
      })

    /** What another life has left behind: the channel is left alone for as long as it has asked for. */
    const resume = Effect.gen(function* () {
      const at = wall()
      for (const { attempts, nextTry } of yield* store.pending(name, 0, false, PAGE)) {
        const wait = (nextTry ?? 0) - at
        if (attempts > 0 && wait > 0 && wait <= MAX_AHEAD) health.resume(attempts, wait)
      }
    })

    /** The next one that may be sent, or when to look again at the latest. */
    const next = Effect.gen(function* () {
      const at = wall()
      yield* expire(at)
      const quiet = quietUntil(settings.quietHours, at)
      const onlyUrgent = quiet !== undefined || (channel.isHeavy && !(yield* isIdle))
      const blocked = new Set<string>()
      let soonest = quiet ?? Number.POSITIVE_INFINITY
      for (let after = 0; ; ) {
        const page = yield* store.pending(name, after, onlyUrgent, PAGE)
        for (const row of page) {
          after = row.number
          const hasEnded = unwritten.get(row.number)
          const isInOrder = row.kind !== "Several"
          if (hasEnded === false && isInOrder) blocked.add(row.job)
          // It is at its end already, or its job has one before it that is not sent yet.
          if (hasEnded !== undefined || (isInOrder && blocked.has(row.job))) continue
          const dueAt = row.nextTry ?? 0
          // A clock that was ahead does not hold it back for longer.
          if (dueAt <= at || dueAt > at + MAX_AHEAD) return { row, soonest: at }
          if (isInOrder) blocked.add(row.job)
          soonest = Math.min(soonest, dueAt)
        }
        if (page.length < PAGE) return { row: undefined, soonest }
      }
    })

    const sleep = (millis: number) =>
      Effect.raceFirst(wake.await, clock.sleep(Duration.millis(Math.max(1, Math.min(millis, LONGEST_SLEEP)))))

    const step: Effect.Effect<void, HealingStoreError> = Effect.suspend(() => {
      const left = health.left()
      if (left > 0) return clock.sleep(Duration.millis(Math.ceil(left)))
      wake.unsafeClose()
      const [first] = memory
      if (first !== undefined) return sendFromMemory(first)
      return Effect.flatMap(next, ({ row, soonest }) =>
        row === undefined
          ? sleep(Number.isFinite(soonest) ? soonest - wall() : LONGEST_SLEEP)
          : Effect.zipRight(sendStored(row), Clocks.giveWay)
      )
    })

    // The queue says in the log that its store fails.
    const tried = (doing: Effect.Effect<void, HealingStoreError>) =>
      Effect.catchAll(doing, () => sleep(Duration.toMillis(PAUSE)))
    yield* tried(resume).pipe(Effect.zipRight(Effect.forever(tried(step))), Effect.forkScoped)

    return {
      wake: wake.open,
      fromMemory: (one) =>
        Effect.suspend(() => {
          memory.push(one)
          return wake.open
        }),
      forget,
      trouble: health.trouble
    }
  })
