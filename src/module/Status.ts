/**
 * What runs, waits, and is due: what `pm2 trigger effect-healing status` answers.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import { HealingService } from "../gate/HealingService.js"
import { Healing } from "../Healing.js"
import { describeHeldBy, type HeldBy } from "../HealingError.js"
import { HealingQueue } from "../queue/HealingQueue.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import { OpenClaw } from "../running/OpenClaw.js"
import { quotaInWords } from "../running/Quota.js"
import { HealingScheduler } from "../scheduler/HealingScheduler.js"
import { Suggestions } from "../suggestions/Suggestions.js"
import { Supervisor } from "../supervisor/Supervisor.js"
import { oneLine } from "../text/OneLine.js"
import { names, time } from "./LogLines.js"
import { lockedLines } from "./SuggestionActions.js"

/** Suggestions that are counted. */
const MAX_SUGGESTIONS = 100

/** Requests that have a line each. */
const MAX_REQUESTS = 20

/**
 * A line for what the OpenClaw jobs are, for what runs, for each request, and for whatever is wrong.
 *
 * @internal
 */
export const lines = Effect.gen(function* () {
  const openClaw = yield* OpenClaw
  const healing = yield* HealingService
  const queue = yield* HealingQueue
  const scheduler = yield* HealingScheduler
  const supervisor = yield* Supervisor
  const now = yield* Clock.currentTimeMillis
  const ofOpenClaw = yield* supervisor.jobs.pipe(
    Effect.map((jobs) =>
      names(
        jobs
          .filter((job) => job.openClaw)
          .map(({ alwaysUp, id }) => (alwaysUp === true ? `${id} (always up, holds nothing up)` : id))
      )
    ),
    Effect.catchAll(({ detail }) => Effect.succeed(`unknown (${detail})`))
  )
  const { jobs } = yield* openClaw.running.get
  const { heldBy, holds, quotas } = yield* healing.status.get
  const requests = yield* queue.pending
  const [next] = yield* scheduler.upcoming
  const problems = yield* scheduler.problems
  const health = yield* Healing.health
  const suggestions = yield* Suggestions
  const open = yield* Effect.orElseSucceed(
    suggestions.list({ states: ["pending", "approved"], limit: MAX_SUGGESTIONS }),
    () => []
  )
  const stopped = yield* suggestions.stopped
  const locked = yield* Effect.orElseSucceed(lockedLines, () => [])
  const heldUp = heldBy.length === 0 ? holds : heldBy
  const waits = requests.filter(({ state }) => state === "pending")
  return [
    `OpenClaw jobs: ${ofOpenClaw}`,
    `running: ${names(Array.from(HashMap.keys(jobs)))}`,
    `in review: ${names(requests.filter(({ state }) => state === "running").map(({ job, starts }) => since(job, starts.at(-1))))}`,
    ...(waits.length === 0 ? ["waiting: none"] : waits.slice(0, MAX_REQUESTS).map(waiting(heldUp, now))),
    ...(waits.length > MAX_REQUESTS ? [`waiting: ${waits.length - MAX_REQUESTS} more`] : []),
    ...(waits.length === 0 ? holds.map((one) => `held up by ${describeHeldBy(one)}`) : []),
    ...quotas.map(
      (quota) => `quota: ${quotaInWords(quota, quota.resetsAt === null ? "" : `, begins anew ${time(quota.resetsAt)}`)}`
    ),
    ...(next === undefined ? [] : [`next by the clock: ${next.job}, ${time(next.at)}`]),
    ...(open.length === 0
      ? []
      : [`suggestions to decide on or to apply: ${open.length}${open.length === MAX_SUGGESTIONS ? " or more" : ""}`]),
    ...stopped.map(({ message }) => message),
    ...locked,
    ...health.problems.map(({ message }) => message),
    ...problems.map(
      ({ expected, job, key }) => `a problem with the policy of ${job}: ${key === "" ? "" : `${key} `}${expected}`
    )
  ]
})

/** PM2 prints an answer on one line; in its log, each has a line of its own. */
export const tell = (all: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.as(
    Effect.forEach(all, (line) => Effect.log(`status: ${oneLine(line)}`), { discard: true }),
    oneLine(all.join("; "))
  )

const since = (job: string, at: number | undefined): string => (at === undefined ? job : `${job}, since ${time(at)}`)

/** Why a request waits: for a time of its own, or for what holds all of them up. */
const waiting =
  (heldUp: ReadonlyArray<HeldBy>, now: number) =>
  ({ job, notBefore, reason, submittedAt, triggers }: HealingRequest): string => {
    const isEarly = notBefore !== null && notBefore > now
    const own = isEarly ? [`${reason ?? "its cool-down or back-off"}, until ${time(notBefore)}`] : []
    const others = isEarly ? [] : heldUp.filter(({ _tag }) => _tag !== "NotBefore").map(describeHeldBy)
    const why = [...own, ...others]
    const because = why.length === 0 ? "for its turn" : `held up by ${why.join(" and ")}`
    return `waiting: ${job} (${triggers.join(", ")}), since ${time(submittedAt)}, ${because}`
  }
