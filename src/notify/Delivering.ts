/**
 * Sends the notices of one channel, one at a time, in the order of each job, until they are sent or have failed for good.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { type HealingStoreError, NotifyError } from "../HealingError.js"
import * as Clocks from "../internal/Clocks.js"
import * as SafeLog from "../internal/SafeLog.js"
import type { NotifySettings } from "../settings/HealingConfig.js"
import { type Change, notice as noticeChange } from "../store/Change.js"
import type { Delivery, NoticeJournal, StoredDelivery } from "../store/NoticeJournal.js"
import type { Channel } from "./Channel.js"
import * as Notice from "./Notice.js"
import { PAUSE } from "./Persistently.js"
import { quietUntil } from "./QuietTime.js"

const FIRST_RETRY = Duration.toMillis("5 seconds")

const LAST_RETRY = Duration.toMillis("10 minutes")

/** A receiver may ask to be left alone for so long. */
const MAX_RETRY_AFTER = Duration.toMillis("1 hour")

/** A timer does not hear of a clock that is set. */
const LONGEST_SLEEP = Duration.toMillis("1 hour")

const PAGE = 100

const MAX_REASON = 500

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

/** How long to wait after so many tries that have failed, one after the other. */
const backoff = (failures: number): Effect.Effect<number> =>
  Effect.map(Random.nextRange(0.8, 1.2), (jitter) =>
    Math.round(Math.min(FIRST_RETRY * 2 ** Math.min(failures - 1, 20), LAST_RETRY) * jitter)
  )

/**
 * One try, which ends in time whatever the channel does.
 *
 * @internal
 */
export const sendThrough = ({ patience, send }: Channel, notice: Notice.Notice): Effect.Effect<void, NotifyError> =>
  Effect.suspend(() => send(notice)).pipe(
    Effect.disconnect,
    Effect.timeoutFail({
      duration: patience,
      onTimeout: () =>
        new NotifyError({ reason: "Failed", detail: `it has not answered within ${Duration.format(patience)}` })
    }),
    // A channel of the user's own may do anything.
    Effect.catchAllDefect(() => new NotifyError({ reason: "Failed", detail: "it has died of the notice" }))
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
    const memory: Array<InMemory> = []
    /** What has come of tries and could not be written yet: whether that was the end. */
    const unwritten = new Map<number, boolean>()
    /** How many tries have failed, one after the other. */
    let failures = 0
    let trouble: string | undefined
    /** By the steady clock. Until then the channel is left alone. */
    let heldUntil = Number.NEGATIVE_INFINITY

    const sendOnce = (notice: Notice.Notice) => Effect.either(Effect.interruptible(sendThrough(channel, notice)))

    const works = Effect.suspend(() => {
      const was = trouble
      failures = 0
      trouble = undefined
      return was === undefined ? Effect.void : SafeLog.info(`The channel "${name}" takes notices again`)
    })

    /** Returns how long to wait, in milliseconds. */
    const fails = ({ detail, retryAfter = 0 }: NotifyError) =>
      Effect.gen(function* () {
        const isNews = trouble === undefined
        failures++
        trouble = detail.slice(0, MAX_REASON)
        const wait = Math.max(yield* backoff(failures), Math.min(retryAfter, MAX_RETRY_AFTER))
        heldUntil = now() + wait
        if (isNews)
          yield* SafeLog.warn(`The channel "${name}" takes no notices: ${trouble}. They are kept, and tried again`)
        return wait
      })

    const settle = (number: number, to: Pick<Delivery, "attempts" | "endedAt" | "nextTry" | "reason" | "state">) =>
      Effect.suspend(() => {
        unwritten.set(number, to.state !== "pending")
        return record([noticeChange({ _tag: "Tried", number, to })]).pipe(
          Effect.zipRight(Effect.sync(() => unwritten.delete(number))),
          // It is kept, and written when the store can be.
          Effect.ignore
        )
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
        if (Either.isLeft(read))
          return yield* settle(number, {
            attempts,
            endedAt: wall(),
            nextTry: null,
            reason: UNREADABLE,
            state: "failed"
          })
        const result = yield* sendOnce(read.right)
        if (Either.isRight(result)) {
          yield* works
          return yield* settle(number, { attempts, endedAt: wall(), nextTry: null, reason: null, state: "sent" })
        }
        const reason = result.left.detail.slice(0, MAX_REASON)
        if (result.left.reason === "Refused") {
          yield* works
          yield* SafeLog.warn(`The channel "${name}" has refused the notice "${read.right.title}": ${reason}`)
          return yield* settle(number, {
            attempts: attempts + 1,
            endedAt: wall(),
            nextTry: null,
            reason,
            state: "failed"
          })
        }
        const wait = yield* fails(result.left)
        return yield* settle(number, {
          attempts: attempts + 1,
          endedAt: null,
          nextTry: wall() + wait,
          reason,
          state: "pending"
        })
      }).pipe(Effect.uninterruptible)

    const sendFromMemory = (one: InMemory) =>
      Effect.gen(function* () {
        const result = yield* sendOnce(one.notice)
        if (Either.isLeft(result) && result.left.reason === "Failed") return void (yield* fails(result.left))
        one.sent = true
        memory.splice(memory.indexOf(one), 1)
        yield* works
      }).pipe(Effect.uninterruptible)

    /** What the channel has not taken for so long has failed for good, also what was never tried since it takes nothing. */
    const expire = (at: number) =>
      Effect.gen(function* () {
        if (trouble === undefined || !Number.isFinite(retryFor)) return
        const [oldest] = yield* store.pending(name, 0, false, 1)
        if (oldest === undefined || oldest.createdAt >= at - retryFor) return
        const reason = `it could not be sent within ${Duration.format(settings.retryFor)}: ${trouble}`
        yield* record([noticeChange({ _tag: "Expire", channel: name, createdBefore: at - retryFor, at, reason })])
        yield* SafeLog.warn(`Notices were lost in the channel "${name}": ${reason}`)
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
          if (hasEnded === false && row.job !== "") blocked.add(row.job)
          // It is at its end already, or its job has one before it that is not sent yet.
          if (hasEnded !== undefined || blocked.has(row.job)) continue
          // A clock that was ahead does not hold it back for longer.
          const dueAt = Math.min(row.nextTry ?? 0, at + MAX_RETRY_AFTER)
          if (dueAt <= at) return { row, soonest: at }
          if (row.job !== "") blocked.add(row.job)
          soonest = Math.min(soonest, dueAt)
        }
        if (page.length < PAGE) return { row: undefined, soonest }
      }
    })

    const sleep = (millis: number) =>
      Effect.raceFirst(wake.await, clock.sleep(Duration.millis(Math.max(1, Math.min(millis, LONGEST_SLEEP)))))

    const step: Effect.Effect<void, HealingStoreError> = Effect.suspend(() => {
      const left = heldUntil - now()
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
    yield* step.pipe(
      Effect.catchAll(() => sleep(Duration.toMillis(PAUSE))),
      Effect.forever,
      Effect.forkScoped
    )

    return {
      wake: wake.open,
      fromMemory: (one) =>
        Effect.suspend(() => {
          memory.push(one)
          return wake.open
        }),
      forget: (one) => {
        const index = memory.indexOf(one)
        if (index >= 0) memory.splice(index, 1)
      },
      trouble: () => trouble
    }
  })

const UNREADABLE = "its row cannot be read"
