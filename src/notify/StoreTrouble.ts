/**
 * Tells that the store fails: from memory, and written down when it recovers.
 *
 * @internal
 */
import { randomUUID } from "node:crypto"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberHandle from "effect/FiberHandle"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import * as Clocks from "../internal/Clocks.js"
import { type Change, notice as noticeChange } from "../store/Change.js"
import type { Channel } from "./Channel.js"
import type { Delivering, InMemory } from "./Delivering.js"
import * as Notice from "./Notice.js"
import { persistently } from "./Persistently.js"
import { deliveryOf, type Telling } from "./Telling.js"

/** For so long the store has to have worked before anybody is told that it does: one that comes and goes is one trouble. */
const PEACE = Duration.minutes(1)

/** So soon after it was told, it is not told anew. */
const AGAIN = Duration.toMillis("1 hour")

/**
 * - `fails`: it cannot be written, for this reason.
 * - `recovers`: it can be again.
 *
 * @internal
 */
export interface StoreTrouble {
  readonly fails: (reason: string) => Effect.Effect<void>
  readonly recovers: Effect.Effect<void>
}

interface Told {
  readonly channel: string
  readonly delivering: Delivering
  readonly one: InMemory
}

const failing = (at: number, reason: string): Notice.Draft => ({
  at,
  kind: "StoreFailing",
  severity: "critical",
  title: "Nothing can be written, so that no review begins",
  cause: reason,
  todo: "Make room, or mend what it says. What has happened is kept in memory, and written then",
  command: "effect-healing doctor"
})

const recovered = (at: number): Notice.Draft => ({
  at,
  kind: "StoreRecovered",
  severity: "low",
  title: "What has happened could be written: reviews go on",
  todo: "There is nothing to do"
})

const written = ({ channel, one }: Told, at: number): Change => {
  const delivery = deliveryOf(one.notice, channel, false, one.notice.at)
  return noticeChange({
    _tag: "Add",
    delivery: one.sent ? { ...delivery, state: "sent", endedAt: at } : delivery
  })
}

/** @internal */
export const make = ({
  channels,
  record,
  tell,
  wall
}: Pick<Telling, "tell"> & {
  readonly channels: ReadonlyArray<{ readonly channel: Channel; readonly delivering: Delivering }>
  readonly wall: () => number
  readonly record: (changes: ReadonlyArray<Change>) => Effect.Effect<void, HealingStoreError>
}): Effect.Effect<StoreTrouble, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    /** What is told next, unless it is otherwise by then. */
    const next = yield* FiberHandle.make()
    /** What stands in memory alone. */
    let told: ReadonlyArray<Told> = []
    /** By the steady clock, of one that nobody was told has ended. */
    let toldAt: number | undefined
    /** The same of the last one, whether or not it has ended. */
    let lastToldAt = Number.NEGATIVE_INFINITY

    const tellOf = (reason: string) =>
      Effect.suspend(() => {
        toldAt = Clocks.millis(clock)
        lastToldAt = toldAt
        const notice = Notice.make(failing(wall(), reason), randomUUID())
        told = channels
          .filter(({ channel }) => channel.takes({ ...notice, suggests: false }))
          .map(({ channel, delivering }) => ({ channel: channel.name, delivering, one: { notice, sent: false } }))
        return Effect.forEach(told, ({ delivering, one }) => delivering.fromMemory(one), { discard: true })
      })

    return {
      fails: (reason) =>
        Effect.gen(function* () {
          yield* FiberHandle.clear(next)
          if (toldAt !== undefined) return
          const left = lastToldAt + AGAIN - Clocks.millis(clock)
          if (left <= 0) yield* tellOf(reason)
          else yield* FiberHandle.run(next, Effect.delay(tellOf(reason), Duration.millis(left)))
        }),
      recovers: Effect.gen(function* () {
        yield* FiberHandle.clear(next)
        if (toldAt === undefined) return
        const before = told
        told = []
        for (const { delivering, one } of before) delivering.forget(one)
        const at = wall()
        // It is kept until it is written.
        if (before.length > 0) yield* Effect.ignore(record(before.map((one) => written(one, at))))
        const end = Effect.suspend(() => {
          toldAt = undefined
          return persistently(tell(recovered(wall())))
        })
        yield* FiberHandle.run(next, Effect.delay(end, PEACE))
      })
    }
  })
