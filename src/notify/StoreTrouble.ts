/**
 * Tells that the store fails: from memory, and written down when it recovers.
 *
 * @internal
 */
import { randomUUID } from "node:crypto"
import * as Effect from "effect/Effect"
import type { HealingStoreError } from "../HealingError.js"
import type { Change } from "../store/Change.js"
import { notice as noticeChange } from "../store/Change.js"
import type { Channel } from "./Channel.js"
import type { Delivering, InMemory } from "./Delivering.js"
import * as Notice from "./Notice.js"
import { persistently } from "./Persistently.js"
import { deliveryOf, type Telling } from "./Telling.js"

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
}): StoreTrouble => {
  /** What is told of it now, and through which channels. */
  let told: ReadonlyArray<{ readonly channel: string; readonly delivering: Delivering; readonly one: InMemory }> = []
  let since: number | undefined

  const written = ({ channel, one }: (typeof told)[number], at: number) => {
    const delivery = deliveryOf(one.notice, channel, false, one.notice.at)
    return one.sent ? { ...delivery, state: "sent" as const, endedAt: at } : delivery
  }

  return {
    fails: (reason) =>
      Effect.suspend(() => {
        if (since !== undefined) return Effect.void
        const at = wall()
        since = at
        const draft: Notice.Draft = {
          at,
          kind: "StoreFailing",
          severity: "critical",
          title: "Nothing can be written, so that no review begins",
          cause: reason,
          todo: "Make room, or mend what it says. What has happened is kept in memory, and written then",
          command: "effect-healing doctor"
        }
        const notice = Notice.make(draft, randomUUID())
        told = channels
          .filter(({ channel }) => channel.takes({ ...notice, suggests: false }))
          .map(({ channel, delivering }) => ({ channel: channel.name, delivering, one: { notice, sent: false } }))
        return Effect.forEach(told, ({ delivering, one }) => delivering.fromMemory(one), { discard: true })
      }),
    recovers: Effect.suspend(() => {
      if (since === undefined) return Effect.void
      since = undefined
      const at = wall()
      const before = told
      told = []
      for (const { delivering, one } of before) delivering.forget(one)
      const draft: Notice.Draft = {
        at,
        kind: "StoreRecovered",
        severity: "low",
        title: "What has happened could be written: reviews go on",
        todo: "There is nothing to do"
      }
      const added = before.map((one) => noticeChange({ _tag: "Add", delivery: written(one, at) }))
      return Effect.zipRight(added.length === 0 ? Effect.void : Effect.ignore(record(added)), persistently(tell(draft)))
    })
  }
}
