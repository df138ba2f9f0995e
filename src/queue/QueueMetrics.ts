/**
 * What the durable queue measures. Each metric has the tag `queue`.
 *
 * @internal
 */

import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as Option from "effect/Option"
import { HealingStoreError, type HeldBy } from "../HealingError.js"
import * as TaggedMetric from "../internal/TaggedMetric.js"
import { type HealingRequest, RequestState } from "../request/HealingRequest.js"
import type { Journal, StoreSizes } from "../store/Journal.js"
import type { HealingEvent } from "./HealingEvent.js"

// From a tenth of a millisecond to about 3 seconds.
const boundaries = MetricBoundaries.exponential({ start: 0.0001, factor: 2, count: 16 })

/** Triggers that have a tag of their own: those of an app could be any number. */
const TRIGGERS = ["manual", "failure", "sla_breach", "schedule"]

const OTHER = "other"

const triggerOf = ({ triggers }: HealingRequest): string =>
  TRIGGERS.find((trigger) => triggers.includes(trigger)) ?? OTHER

/** What the queue was held by since the last sample, for how many seconds. */
const holdTag: Partial<Record<HeldBy["_tag"], string>> = {
  Paused: "pause",
  RateLimited: "rate_limit",
  DailyLimit: "day",
  StoreFailing: "store"
}

/** Samples are at least so many milliseconds apart. */
const EVERY = 10_000

/**
 * What is looked at now and then.
 *
 * @internal
 */
export interface Sample {
  readonly holds: ReadonlyArray<HeldBy>
  /** When the request was made that has waited longest, in milliseconds since 1970. */
  readonly oldestPending: number | undefined
  readonly sizes: Option.Option<StoreSizes>
}

/**
 * - `ofEvent`: something has happened.
 * - `measured`: the store, of which each commit is measured.
 * - `isDue`, `sample`: whether it is time to look again, and what was seen.
 *
 * @internal
 */
export interface QueueMetrics {
  readonly ofEvent: (event: HealingEvent) => void
  readonly measured: (store: Journal) => Journal
  readonly isDue: () => boolean
  readonly sample: (sample: Sample) => void
}

/**
 * - `now`: by the steady clock, in milliseconds.
 *
 * @internal
 */
export const make = (queue: string, now: () => number): QueueMetrics => {
  const tags = { queue }
  const counters = <Tag extends string = never>(
    name: string,
    description: string,
    values: Readonly<Record<Tag, ReadonlyArray<string>>>
  ) => TaggedMetric.counters(name, description, tags, values)
  const ended = counters("healing_ended", "Requests that have ended, by state and trigger", {
    state: RequestState.literals.filter((state) => state !== "pending" && state !== "running"),
    trigger: [...TRIGGERS, OTHER]
  })
  const tokens = counters("healing_tokens", "Tokens that completed reviews have spent, by kind", {
    kind: ["input", "output", "cache_read", "cache_write"]
  })
  const costUsd = counters("healing_cost_usd", "What completed reviews have cost, in US dollars", {})
  const setAside = counters("healing_set_aside", "Rows that could not be read", {})
  const held = counters("healing_held_seconds", "For how long the queue was held, by what", {
    by: Object.values(holdTag)
  })
  const commitErrors = counters("healing_commit_errors", "Commits that failed, by reason", {
    reason: [...HealingStoreError.fields.reason.literals, "Died"]
  })
  const commitSeconds = TaggedMetric.update(
    Metric.histogram("healing_commit_seconds", boundaries, "One commit, until it is on disk"),
    tags
  )
  const oldest = TaggedMetric.gauge(
    "healing_oldest_pending_timestamp_seconds",
    "When the request was made that has waited longest, in seconds since 1970; 0 if none waits",
    tags
  )
  const databaseBytes = TaggedMetric.gauge("healing_database_bytes", "Size of the database file", tags)
  const logBytes = TaggedMetric.gauge("healing_log_bytes", "Size of its write-ahead log", tags)

  const ofEnd = (request: HealingRequest) => {
    ended({ state: request.state, trigger: triggerOf(request) }, 1)
    const { costUsd: cost, tokens: spent } = request.report ?? {}
    if (cost !== undefined) costUsd({}, cost)
    if (spent === undefined) return
    const { cacheRead, cacheWrite, input, output } = spent
    for (const [kind, count] of Object.entries({ input, output, cache_read: cacheRead, cache_write: cacheWrite })) {
      tokens({ kind }, count)
    }
  }

  let sampledAt: number | undefined

  return {
    ofEvent: (event) => {
      if (event._tag === "Ended") ofEnd(event.request)
      else if (event._tag === "SetAside") setAside({}, 1)
    },
    measured: (store) => ({
      ...store,
      commit: (changes) =>
        Effect.suspend(() => {
          const from = now()
          return Effect.onExit(store.commit(changes), (exit) =>
            Effect.sync(() => {
              if (Exit.isSuccess(exit)) return commitSeconds((now() - from) / 1000)
              const error = Option.getOrUndefined(Cause.failureOption(exit.cause))
              commitErrors({ reason: error?.reason ?? "Died" }, 1)
            })
          )
        })
    }),
    isDue: () => sampledAt === undefined || now() - sampledAt >= EVERY,
    sample: ({ holds, oldestPending, sizes }) => {
      const at = now()
      const seconds = (at - (sampledAt ?? at)) / 1000
      sampledAt = at
      for (const { _tag } of holds) {
        const by = holdTag[_tag]
        if (by !== undefined) held({ by }, seconds)
      }
      oldest(oldestPending === undefined ? 0 : oldestPending / 1000)
      if (Option.isSome(sizes)) {
        databaseBytes(sizes.value.database)
        logBytes(sizes.value.log)
      }
    }
  }
}
