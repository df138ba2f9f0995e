/**
 * What rules have applied, in a store that keeps nothing.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AutomaticChange, SuggestionKey } from "../request/HealingSuggestion.js"
import { type AutomaticJournal, DAY } from "./SuggestionJournal.js"

/**
 * - `put`, `lock`, `unlock`, `move`: as a commit does.
 * - `forget`: those of suggestions that are there no more, and of no use for a limit or a lock.
 * - `snapshot`: returns the way back to how it is now.
 *
 * @internal
 */
export interface MemoryAutomatic {
  readonly journal: AutomaticJournal
  readonly put: (change: AutomaticChange) => void
  readonly lock: (key: SuggestionKey, at: number) => void
  readonly unlock: (job: string) => void
  readonly move: (by: number) => void
  readonly forget: (endedBefore: number, isThere: (key: SuggestionKey) => boolean) => void
  readonly snapshot: () => () => void
}

const isSame = (one: SuggestionKey, other: SuggestionKey): boolean =>
  one.request === other.request && one.position === other.position

/** @internal */
export const make = (): MemoryAutomatic => {
  let changes: ReadonlyArray<AutomaticChange> = []

  return {
    put: (change) => {
      changes = [...changes.filter((one) => !isSame(one, change)), change]
    },
    lock: (key, at) => {
      changes = changes.map((one) => (isSame(one, key) ? { ...one, lockedAt: at } : one))
    },
    unlock: (job) => {
      changes = changes.map((one) => (one.job === job ? { ...one, lockedAt: null } : one))
    },
    move: (by) => {
      changes = changes.map((one) => ({
        ...one,
        at: one.at + by,
        lockedAt: one.lockedAt === null ? null : one.lockedAt + by
      }))
    },
    forget: (endedBefore, isThere) => {
      changes = changes.filter((one) => one.lockedAt !== null || one.at >= endedBefore - DAY || isThere(one))
    },
    snapshot: () => {
      const before = changes
      return () => {
        changes = before
      }
    },
    journal: {
      automatic: (key) => Effect.sync(() => Option.fromNullable(changes.find((one) => isSame(one, key)))),
      automaticSince: (since) =>
        Effect.sync(() => {
          const counts = new Map<string, number>()
          const counted = changes.filter(({ at, lead, position }) => at > since && position === lead)
          for (const { job } of counted) counts.set(job, (counts.get(job) ?? 0) + 1)
          return counts
        }),
      lockedJobs: Effect.sync(() =>
        Array.from(new Set(changes.flatMap(({ job, lockedAt }) => (lockedAt === null ? [] : [job]))))
      ),
      locks: (job, limit) =>
        Effect.sync(() =>
          changes
            .filter((one) => one.lockedAt !== null && (job === undefined || one.job === job))
            .sort((a, b) => (b.lockedAt ?? 0) - (a.lockedAt ?? 0) || b.request - a.request || a.position - b.position)
            .slice(0, limit)
        )
    }
  }
}
