/**
 * Notices in a store that keeps nothing.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type HealingStoreError, unexpectedState } from "../HealingError.js"
import type {
  Fact,
  Failing,
  Muted,
  NoticeChange,
  NoticeJournal,
  RunCount,
  StoredDelivery,
  Told
} from "./NoticeJournal.js"

type State = Readonly<{
  facts: ReadonlyArray<Fact>
  deliveries: ReadonlyMap<number, StoredDelivery>
  lastDelivery: number
  told: ReadonlyArray<Told>
  failing: ReadonlyMap<string, Failing>
  muted: ReadonlyArray<Muted>
  counts: ReadonlyMap<string, RunCount>
}>

/**
 * - `write`, `addFact`: as a commit does. `write` returns why it cannot.
 * - `snapshot`: returns the way back to how it is now.
 *
 * @internal
 */
export interface MemoryNotices {
  readonly journal: NoticeJournal
  readonly write: (change: NoticeChange) => HealingStoreError | undefined
  readonly addFact: (fact: Omit<Fact, "number">) => void
  readonly snapshot: () => () => void
}

const isSame = (one: Omit<Told, "at">, other: Omit<Told, "at">): boolean =>
  one.job === other.job && one.kind === other.kind && one.subject === other.subject

const byUntil = (one: Muted, other: Muted): number =>
  one.until - other.until || order(one.job ?? "", other.job ?? "") || order(one.signature ?? "", other.signature ?? "")

const order = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

/**
 * Longer than a screen, since it is the list of what a store can do for notices.
 *
 * @internal
 */
export const make = (): MemoryNotices => {
  let state: State = {
    facts: [],
    deliveries: new Map(),
    lastDelivery: 0,
    told: [],
    failing: new Map(),
    muted: [],
    counts: new Map()
  }

  const all = () => Array.from(state.deliveries.values())

  const pending = (channel: string) =>
    all().filter((delivery) => delivery.channel === channel && delivery.state === "pending")

  const put = (delivery: StoredDelivery) => {
    state = { ...state, deliveries: new Map(state.deliveries).set(delivery.number, delivery) }
  }

  const update = (
    number: number,
    isRight: (delivery: StoredDelivery) => boolean,
    to: Partial<StoredDelivery>
  ): HealingStoreError | undefined => {
    const found = state.deliveries.get(number)
    if (found === undefined || found.state !== "pending" || !isRight(found))
      return unexpectedState(`notice ${number}`, "pending", found?.state ?? "not there")
    put({ ...found, ...to })
    return undefined
  }

  const unmuted = ({ job, signature }: Pick<Muted, "job" | "signature">) =>
    state.muted.filter((one) => one.job !== job || one.signature !== signature)

  const write = (change: NoticeChange): HealingStoreError | undefined => {
    switch (change._tag) {
      case "Add": {
        const number = state.lastDelivery + 1
        put({ ...change.delivery, number })
        state = { ...state, lastDelivery: number }
        return undefined
      }
      case "Tried":
        return update(change.number, () => true, change.to)
      case "Rewrite":
        return update(change.number, ({ attempts }) => attempts === 0, { notice: change.notice })
      case "Expire": {
        const { at, channel, createdBefore, reason } = change
        for (const delivery of pending(channel)) {
          if (delivery.createdAt < createdBefore)
            put({ ...delivery, state: "failed", endedAt: at, nextTry: null, reason })
        }
        return undefined
      }
      case "Turned":
        state = { ...state, facts: state.facts.filter(({ number }) => number > change.upTo) }
        return undefined
      case "Told":
        state = { ...state, told: [...state.told.filter((one) => !isSame(one, change.told)), change.told] }
        return undefined
      case "Forget": {
        const { job, kinds } = change
        const told = state.told.filter((one) => one.job !== job || kinds?.includes(one.kind) === false)
        state = { ...state, told }
        return undefined
      }
      case "Failing": {
        const failing = new Map(state.failing)
        if (change.failing === null) failing.delete(change.job)
        else failing.set(change.job, change.failing)
        state = { ...state, failing }
        return undefined
      }
      case "Count": {
        const { failures, job, runs } = change.counted
        const before = state.counts.get(job) ?? { runs: 0, failures: 0 }
        const now = { job, runs: before.runs + runs, failures: before.failures + failures }
        state = { ...state, counts: new Map(state.counts).set(job, now) }
        return undefined
      }
      case "Mute":
        state = { ...state, muted: [...unmuted(change.muted), change.muted] }
        return undefined
      case "Unmute":
        state = { ...state, muted: unmuted(change) }
        return undefined
    }
  }

  return {
    write,
    addFact: (fact) => {
      const number = (state.facts.at(-1)?.number ?? 0) + 1
      state = { ...state, facts: [...state.facts, { number, ...fact }] }
    },
    snapshot: () => {
      const before = state
      return () => {
        state = before
      }
    },
    journal: {
      facts: (limit) => Effect.sync(() => state.facts.slice(0, limit)),
      pending: (channel, after, isUrgent, limit) =>
        Effect.sync(() =>
          pending(channel)
            .filter((delivery) => delivery.number > after && (delivery.isUrgent || !isUrgent))
            .sort((one, other) => one.number - other.number)
            .slice(0, limit)
        ),
      pendingOf: (channel, kind) =>
        Effect.sync(() =>
          Option.fromNullable(
            pending(channel)
              .filter((delivery) => delivery.kind === kind && delivery.attempts === 0)
              .at(-1)
          )
        ),
      olderThan: (channel, createdBefore) =>
        Effect.sync(() => pending(channel).filter(({ createdAt }) => createdAt < createdBefore).length),
      newest: (channel, many) =>
        Effect.sync(() => {
          const newest = pending(channel).sort((one, other) => other.number - one.number)
          return Option.fromNullable(newest[many - 1]?.createdAt)
        }),
      counted: (channel, since, at, many) =>
        Effect.sync(() => {
          const counted = all()
            .filter(
              (delivery) =>
                delivery.channel === channel &&
                delivery.isCounted &&
                delivery.createdAt > since &&
                delivery.createdAt <= at
            )
            .map(({ createdAt }) => createdAt)
            .sort((one, other) => other - one)
          return Option.fromNullable(counted[many - 1])
        }),
      told: (told) => Effect.sync(() => Option.fromNullable(state.told.find((one) => isSame(one, told))?.at)),
      toldJobs: (kind) =>
        Effect.sync(() =>
          Array.from(new Set(state.told.filter((one) => one.kind === kind).map(({ job }) => job))).sort(order)
        ),
      toldCount: (job, kind) =>
        Effect.sync(() => state.told.filter((one) => one.job === job && one.kind === kind).length),
      failing: Effect.sync(() => Array.from(state.failing.values()).sort((one, other) => order(one.job, other.job))),
      muted: Effect.sync(() => state.muted.toSorted(byUntil)),
      runCounts: Effect.sync(() =>
        Array.from(state.counts.values())
          .filter(({ failures, runs }) => runs > 0 && failures >= 0)
          .sort((one, other) => order(one.job, other.job))
      ),
      list: ({ before, channel, job, limit, states }) =>
        Effect.sync(() =>
          all()
            .filter((one) => states.includes(one.state) && one.number < (before ?? Number.POSITIVE_INFINITY))
            .filter((one) => one.channel === (channel ?? one.channel) && one.job === (job ?? one.job))
            .sort((one, other) => other.number - one.number)
            .slice(0, limit)
        ),
      pendingCounts: Effect.sync(() => {
        const counts = new Map<string, number>()
        for (const { channel, state } of all())
          if (state === "pending") counts.set(channel, (counts.get(channel) ?? 0) + 1)
        return counts
      }),
      prune: (endedBefore, limit) =>
        Effect.sync(() => {
          const old = all().filter(({ endedAt }) => endedAt !== null && endedAt < endedBefore)
          const deliveries = new Map(state.deliveries)
          for (const { number } of old.slice(0, limit)) deliveries.delete(number)
          const oldFacts = state.facts.filter(({ at }) => at < endedBefore).slice(0, limit)
          const failing = new Map(Array.from(state.failing).filter(([, { since }]) => since >= endedBefore))
          const told = state.told.filter(({ at, job }) => at >= endedBefore || failing.has(job))
          const removed = Math.min(old.length, limit) + oldFacts.length + state.told.length - told.length
          state = {
            ...state,
            deliveries,
            facts: state.facts.filter((fact) => !oldFacts.includes(fact)),
            told,
            failing,
            muted: state.muted.filter(({ until }) => until >= endedBefore),
            counts: new Map(Array.from(state.counts).filter(([, { runs }]) => runs > 0))
          }
          return removed
        })
    }
  }
}
