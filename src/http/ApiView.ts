/**
 * What services tell, as the API tells it.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import type { HealingStatus } from "../gate/HealingStatus.js"
import { describeHeldBy, type HeldBy } from "../HealingError.js"
import type { HealingPolicy } from "../policy/HealingPolicy.js"
import { scheduleText } from "../policy/HealingSchedule.js"
import type { HealingEvent } from "../queue/HealingEvent.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import type { SuggestionEvent } from "../suggestions/SuggestionEvent.js"
import type { ApiEvent } from "./ApiEvent.js"
import type * as Model from "./ApiModel.js"
import type { Floors } from "./Floors.js"

/** Of the summary of a report, in lists and events. */
const MAX_SUMMARY = 1000

/** @internal */
export const requestBrief = ({ report, ...request }: HealingRequest): Model.RequestBrief => ({
  ...request,
  summary: report === null ? null : report.summary.slice(0, MAX_SUMMARY)
})

/** @internal */
export const suggestionBrief = ({ suggestion, ...life }: HealingSuggestion): Model.SuggestionBrief => ({
  id: life.id,
  job: life.job,
  state: life.state,
  title: suggestion.title,
  category: suggestion.category,
  severity: suggestion.severity,
  targetFile: suggestion.targetFile,
  set: suggestion.set ?? null,
  proposedAt: life.proposedAt,
  changedAt: life.changedAt,
  expiresAt: life.expiresAt,
  by: life.by,
  reason: life.reason
})

const millis = (duration: Duration.Duration): number => Math.round(Duration.toMillis(duration))

const namesOf = (heldBy: HeldBy): ReadonlyArray<string> => {
  if (heldBy._tag === "Jobs") return heldBy.jobs
  if (heldBy._tag === "UnknownSources") return heldBy.sources.map(({ name }) => name)
  return heldBy._tag === "Turn" ? heldBy.reviews : []
}

const holdUp =
  (now: number, { withoutPath }: Floors) =>
  (heldBy: HeldBy): Model.HoldUp => ({
    _tag: heldBy._tag,
    message: withoutPath(describeHeldBy(heldBy)),
    until: "remaining" in heldBy ? Math.round(now + Duration.toMillis(heldBy.remaining)) : null,
    names: namesOf(heldBy)
  })

const inLine = ({ job, priority, yields }: HealingStatus["line"][number] | HealingStatus["running"][number]) => ({
  job,
  priority,
  yields
})

/**
 * - `start`: which run of the process this is.
 *
 * @internal
 */
export const status = (floors: Floors, start: string): Effect.Effect<Model.ApiStatus> =>
  Effect.gen(function* () {
    const { healing, openClaw, scheduler, suggestions } = floors
    const now = yield* Clock.currentTimeMillis
    const { heldBy, holds, line, quotas, running, settings, waiting } = yield* healing.status.get
    const { jobs, unknown } = yield* openClaw.running.get
    const upcoming = yield* Effect.orElseSucceed(
      Effect.flatMap(scheduler, ({ upcoming }) => upcoming),
      () => []
    )
    const stopped = yield* Effect.orElseSucceed(
      Effect.flatMap(suggestions, ({ stopped }) => stopped),
      () => []
    )
    const locks = yield* Effect.orElseSucceed(
      Effect.flatMap(suggestions, ({ locks }) => locks),
      () => []
    )
    const toHoldUp = holdUp(now, floors)
    return {
      start,
      at: now,
      enabled: settings.enabled,
      waiting,
      line: line.map((one) => ({ ...inLine(one), waitedMs: millis(one.waited) })),
      running: running.map((one) => ({ ...inLine(one), runningMs: millis(one.running) })),
      heldBy: heldBy.map(toHoldUp),
      holds: holds.map(toHoldUp),
      openClaw: {
        jobs: Array.from(HashMap.entries(jobs), ([job, { instances }]) => ({ job, instances })),
        unknown
      },
      quotas,
      next: upcoming[0] ?? null,
      stopped: stopped.map(({ by, message }) => ({ by, message })),
      locked: Array.from(new Set(locks.map(({ job }) => job)))
    }
  })

/** @internal */
export const policy =
  (settings: Pick<HealingSettings, "cooldown">) =>
  (of: HealingPolicy): Model.ApiPolicy => ({
    enabled: of.enabled,
    triggers: of.triggers,
    schedule: of.schedule === undefined ? null : scheduleText(of.schedule),
    minRuns: of.minRuns,
    cooldownMs: millis(of.cooldown ?? settings.cooldown),
    priority: of.priority ?? null,
    scope: of.scope,
    expectedEveryMs: of.expectedEvery === undefined ? null : millis(of.expectedEvery),
    maxDurationMs: of.maxDuration === undefined ? null : millis(of.maxDuration),
    minDurationMs: of.minDuration === undefined ? null : millis(of.minDuration),
    output: of.output ?? null
  })

/** @internal */
export const queueEvent =
  ({ withoutPath }: Floors) =>
  (event: HealingEvent): ApiEvent => {
    const reason = "reason" in event ? withoutPath(event.reason) : null
    if ("request" in event)
      return { _tag: "Request", at: event.at, event: event._tag, request: requestBrief(event.request), reason }
    const job = "job" in event ? event.job : null
    return { _tag: "Queue", at: event.at, event: event._tag, job, until: "until" in event ? event.until : null, reason }
  }

/** @internal */
export const suggestionEvent = ({ _tag, at, suggestion }: SuggestionEvent): ApiEvent => ({
  _tag: "Suggestion",
  at,
  event: _tag,
  suggestion: suggestionBrief(suggestion)
})
