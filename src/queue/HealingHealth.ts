/**
 * Whether all is well, and why not.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Gate from "../gate/Gate.js"
import { HealingService } from "../gate/HealingService.js"
import { OpenClaw } from "../running/OpenClaw.js"
import { forHealth, type HasForHealth, type QueueHealth } from "./ForHealth.js"
import { HealingQueue } from "./HealingQueue.js"

/**
 * One thing that is not well. Times are milliseconds since 1970.
 *
 * - `StoreFailing`: nothing can be written since then, and no review begins.
 * - `SourceUnknown`: a source of the running state has not known what runs for over a minute, which counts as busy (R16).
 * - `ReviewOverdue`: a review goes on although it was interrupted at its timeout; since when it runs.
 * - `Stopped`: the queue has stopped for good: another process owns its file, for which a restart helps; or the file was removed, replaced
 *   or overwritten, and a person has to put the right one there.
 *
 * `message` says it in a sentence. `restartHelps` tells whether to start the process anew would mend it: what is wrong with a disk or a
 * supervisor stays wrong.
 *
 * @since 0.1.0
 * @category models
 */
export type HealthProblem = { readonly message: string; readonly restartHelps: boolean } & (
  | { readonly _tag: "StoreFailing"; readonly reason: string; readonly since: number }
  | { readonly _tag: "SourceUnknown"; readonly source: string; readonly reason: string; readonly since: number }
  | { readonly _tag: "ReviewOverdue"; readonly job: string; readonly since: number }
  | { readonly _tag: "Stopped"; readonly reason: string }
)

/**
 * - `healthy`: whether there are no problems. A queue that is paused, limited or busy is healthy.
 * - `problems`: what is not well.
 * - `lastCommit`: when something was written last by this process, if anything was.
 * - `lastReview`: when a review ended last in this process, if any has.
 * - `oldestPending`: when the request was made that has waited longest, if any waits.
 *
 * Times are milliseconds since 1970. Without a durable queue these three are `undefined`.
 *
 * @since 0.1.0
 * @category models
 */
export interface HealingHealth {
  readonly healthy: boolean
  readonly problems: ReadonlyArray<HealthProblem>
  readonly lastCommit: number | undefined
  readonly lastReview: number | undefined
  readonly oldestPending: number | undefined
}

/** A source may take so long to find its supervisor again. */
const UNKNOWN_FOR = Duration.toMillis("1 minute")

/** A review may take so long to end once it is interrupted. */
const OVERDUE_BY = Duration.toMillis("10 seconds")

const nothing: QueueHealth = {
  lastCommit: undefined,
  lastReview: undefined,
  oldestPending: undefined,
  failing: undefined,
  lost: undefined
}

/** A queue that somebody has made by hand tells nothing of itself. */
const healthOf = (queue: Partial<HasForHealth>): Effect.Effect<QueueHealth> =>
  queue[forHealth] ?? Effect.succeed(nothing)

const time = (at: number): string => new Date(at).toISOString()

/** @internal */
export const read: Effect.Effect<HealingHealth, never, HealingService | OpenClaw> = Effect.gen(function* () {
  const healing: Partial<Gate.HasGate> = yield* HealingService
  const gate = healing[Gate.gate]
  if (gate === undefined)
    return yield* Effect.dieMessage("Healing.health needs the HealingService of HealingService.layer")
  const { unknown } = yield* (yield* OpenClaw).running.get
  const queue = yield* Effect.serviceOption(HealingQueue)
  const ofQueue = yield* Option.match(queue, { onNone: () => Effect.succeed(nothing), onSome: healthOf })
  const wall = yield* Clock.currentTimeMillis
  const { failing, lastCommit, lastReview, lost, oldestPending } = ofQueue
  const problems: Array<HealthProblem> = []
  if (lost !== undefined)
    problems.push({
      _tag: "Stopped",
      reason: lost.detail,
      restartHelps: lost.reason !== "Replaced",
      message: `The queue has stopped: ${lost.detail}`
    })
  else if (failing !== undefined) {
    const message = `Nothing can be written since ${time(failing.since)}, and no review begins: ${failing.reason}`
    problems.push({ _tag: "StoreFailing", ...failing, restartHelps: false, message })
  }
  const now = gate.now()
  const toWall = (instant: number) => Math.round(wall - (now - instant))
  for (const { name, reason } of unknown) {
    const instant = gate.unknownSince(name) ?? now
    if (now - instant < UNKNOWN_FOR) continue
    const since = toWall(instant)
    const message = `The source "${name}" does not know what runs since ${time(since)}, so that nothing is reviewed: ${reason}`
    problems.push({ _tag: "SourceUnknown", source: name, reason, since, restartHelps: false, message })
  }
  for (const { at, job } of gate.overdue(OVERDUE_BY)) {
    const since = toWall(at)
    const message = `The review of "${job}" runs since ${time(since)}, and ignores that it was interrupted at its timeout`
    problems.push({ _tag: "ReviewOverdue", job, since, restartHelps: true, message })
  }
  return { healthy: problems.length === 0, problems, lastCommit, lastReview, oldestPending }
})
