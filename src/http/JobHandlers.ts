/**
 * The jobs of the supervisor.
 *
 * @internal
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { didYouMean } from "../internal/Input.js"
import { EvidenceScope } from "../supervisor/Evidence.js"
import { policyOf } from "../supervisor/JobPolicy.js"
import type { JobInfo } from "../supervisor/Supervisor.js"
import { JobNotFound } from "./ApiError.js"
import type * as Model from "./ApiModel.js"
import * as ApiView from "./ApiView.js"
import { decisionOf } from "./Deciding.js"
import type { EventFeed } from "./EventFeed.js"
import type { Floors } from "./Floors.js"
import { HealingApi } from "./HealingApi.js"
import { inTime } from "./InTime.js"

/** @internal */
export const layer = (floors: Floors, feed: EventFeed) =>
  HttpApiBuilder.group(HealingApi, "jobs", (handlers) =>
    handlers
      .handle("list", () => inTime(list(floors)))
      .handle("get", ({ path }) =>
        inTime(
          Effect.gen(function* () {
            const job = yield* find(floors, path.job)
            return yield* Effect.flatMap(around(floors), (view) => view(job))
          })
        )
      )
      .handle("runs", ({ path }) => inTime(runs(floors, path.job)))
      .handle("occurrences", ({ path }) =>
        inTime(Effect.flatMap(floors.scheduler, ({ occurrences }) => occurrences(path.job)))
      )
      .handle("cancel", ({ path }) => inTime(floors.queue.cancel({ job: path.job })))
      .handle("unlock", ({ path, payload }) =>
        inTime(
          Effect.gen(function* () {
            const suggestions = yield* floors.suggestions
            yield* suggestions.unlock(path.job, yield* decisionOf(payload))
            yield* feed.statusChanged
          })
        )
      )
  )

/**
 * The job of this name, which the supervisor must have.
 *
 * @internal
 */
export const find = ({ supervisor }: Floors, job: string) =>
  Effect.gen(function* () {
    const all = yield* Effect.flatMap(supervisor, ({ jobs }) => jobs)
    const found = all.find(({ id }) => id === job)
    if (found !== undefined) return found
    const ids = all.map(({ id }) => id).slice(0, MAX_NAMED)
    const hint = ids.length === 0 ? "it has none" : didYouMean(job, ids)
    return yield* new JobNotFound({ job, message: `The supervisor has no job "${job}": ${hint}` })
  })

/** Jobs that an error may name. */
const MAX_NAMED = 100

/** So many of the last ones. */
const MAX_RUNS = 50

const runs = (floors: Floors, job: string) =>
  Effect.gen(function* () {
    const info = yield* find(floors, job)
    const { evidence } = yield* floors.supervisor
    const found = yield* evidence(info, EvidenceScope.Since({ since: 0, runId: null, limit: MAX_RUNS }))
    // An adapter may have its own mind about the limit.
    return found.runs.slice(0, MAX_RUNS)
  })

const list = (floors: Floors) =>
  Effect.gen(function* () {
    const jobs = yield* Effect.flatMap(floors.supervisor, ({ jobs }) => jobs)
    return yield* Effect.forEach(jobs, yield* around(floors))
  })

const ended = ["completed", "failed", "skipped", "cancelled"] as const

/** What is known around jobs now, by which each is told of. */
const around = ({ openClaw, queue, scheduler, settings }: Floors) =>
  Effect.gen(function* () {
    const { jobs: running } = yield* openClaw.running.get
    const pending = yield* queue.pending
    const upcoming = yield* Effect.flatMap(scheduler, ({ upcoming }) => upcoming)
    const problems = yield* Effect.flatMap(scheduler, ({ problems }) => problems)
    return Effect.fnUntraced(function* (job: JobInfo) {
      const { alwaysUp = false, canRestart = false, id, kind, openClaw: isOpenClaw } = job
      const [last] = yield* Effect.catchTag(
        queue.history({ job: id, states: ended, limit: 1 }),
        "HealingInvalid",
        // The name of a job of the supervisor fits.
        Effect.die
      )
      const one: Model.ApiJob = {
        id,
        kind,
        openClaw: isOpenClaw,
        alwaysUp,
        canRestart,
        running: Option.match(HashMap.get(running, id), { onNone: () => 0, onSome: ({ instances }) => instances }),
        reviews: pending.filter(({ job }) => job === id).map(({ id, state }) => ({ id, state })),
        last: last === undefined ? null : ApiView.requestBrief(last),
        nextDueAt: upcoming.find(({ job }) => job === id)?.at ?? null,
        policy: Option.getOrNull(Option.map(Either.getRight(policyOf(job, settings)), ApiView.policy(settings))),
        problems: problems.filter(({ job }) => job === id)
      }
      return one
    })
  })
