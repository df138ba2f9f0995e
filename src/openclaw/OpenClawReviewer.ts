/**
 * Reviews by OpenClaw.
 *
 * @since 0.1.0
 */
import { randomBytes } from "node:crypto"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Clocks from "../internal/Clocks.js"
import { type HealingRequest, isAutomatic } from "../request/HealingRequest.js"
import { type Dossier, gather } from "../review/Dossier.js"
import { Reviewed, Reviewer, tellsBegin } from "../review/Reviewer.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import { secretVariables } from "../settings/NotifyChannel.js"
import type { HealingStore } from "../store/HealingStore.js"
import type { Supervisor } from "../supervisor/Supervisor.js"
import { head } from "../text/Excerpt.js"
import * as Answer from "./Answer.js"
import * as Envelope from "./Envelope.js"
import * as OpenClawCli from "./OpenClawCli.js"
import { EvidenceUnavailable, JobMissing, MalformedReport, OpenClawTimedOut, toReviewError } from "./OpenClawError.js"
import * as Prompt from "./Prompt.js"
import * as ReviewFolder from "./ReviewFolder.js"

export type { OpenClawOptions } from "./OpenClawCli.js"

/**
 * A `Reviewer` that gathers evidence about the job, and asks the OpenClaw CLI on this machine what to make of it.
 *
 * - What it is about depends on why it was wanted. `manual`: the last 30 days. `schedule` alone: since the job's last
 *   completed review has begun, or all runs; skipped if that are fewer runs than the `minRuns` of its policy. `failure`,
 *   or any other trigger with a `runId`: that run, or the last one that failed, and up to 5 before it. Anything else: the
 *   last 7 days.
 * - OpenClaw is shown the end of logs and the beginning of files, freed of what looks like a secret, and no more than
 *   200,000 characters in all. It has no tools, unless the option `workingFolder` lets it read there.
 * - A request about a job that the supervisor does not have waits until it does, without spending attempts: a supervisor may be
 *   starting its jobs, and one that was deleted may come back. After a day it is skipped. One that a person has just asked for by
 *   a name that there is not is skipped at once.
 * - An answer that is no report is asked for once more, and then fails.
 * - It asks a model that it knows by its provider, so that OpenClaw itself runs it, and fails with `OpenClawUnrestricted`
 *   if neither the option `model` nor `agents.defaults.model` of the user names one.
 * - Its process group is ended five seconds before the setting `reviewTimeout`, when the review is interrupted, and when
 *   this process ends, `kill -9` included. Ten seconds after `reviewTimeout` it is killed even if this process stands still. Nothing that it has left in its temporary folder stays. POSIX only.
 * - The `cause` of its `ReviewError`s is an `OpenClawError`.
 *
 * The review's own OpenClaw is no job: the gate neither waits for it nor yields to it.
 *
 * @example
 * ```ts
 * import { NodeContext } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { Healing, HealingQueue, HealingStore, type Supervisor } from "effect-healing"
 * import { OpenClawReviewer } from "effect-healing/openclaw"
 *
 * declare const SupervisorLive: Layer.Layer<Supervisor>
 *
 * export const HealingLive = HealingQueue.layer.pipe(
 *   Layer.provide(OpenClawReviewer.layer({ thinking: "medium" })),
 *   Layer.provideMerge(HealingStore.layerSqlite("healing.db")),
 *   Layer.provideMerge(Healing.layer({ settings: { reviewTimeout: "10 minutes" } })),
 *   Layer.provide([SupervisorLive, NodeContext.layer])
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const OpenClawReviewer: {
  readonly layer: (
    options?: OpenClawCli.OpenClawOptions
  ) => Layer.Layer<Reviewer, never, Supervisor | HealingStore | HealingConfig | FileSystem | Path | CommandExecutor>
} = {
  layer: (options = {}) =>
    Layer.effect(
      Reviewer,
      Effect.gen(function* () {
        yield* ReviewFolder.sweep
        const { notify, reviewTimeout } = yield* HealingConfig
        const cli = yield* OpenClawCli.make({ ...options, hidden: secretVariables(notify.channels) })
        const limit = limitOf(reviewTimeout)
        const builtAt = yield* Clock.currentTimeMillis
        const context = yield* Effect.context<
          Supervisor | HealingStore | HealingConfig | FileSystem | Path | CommandExecutor
        >()
        const missing = new Map<string, number>()
        const reviewTelling = (request: HealingRequest, begins: Effect.Effect<void>) =>
          review(cli, { request, begins, limit, reviewTimeout, builtAt, missing }).pipe(
            Effect.timeoutFail({ duration: limit, onTimeout: () => timedOut(limit) }),
            Effect.mapError((error) => toReviewError(request.job, error)),
            Effect.provide(context)
          )
        return { review: (request) => reviewTelling(request, Effect.void), [tellsBegin]: reviewTelling }
      })
    )
}

/** How long a request waits for a job that the supervisor does not have. */
const MAX_MISSING = Duration.toMillis("1 day")

/** Requests of which it is remembered since when their jobs are missing. */
const MAX_REMEMBERED = 10_000

/** The time before `reviewTimeout` at which the processes are ended, so that they are gone by then. */
const limitOf = (reviewTimeout: Duration.Duration): Duration.Duration =>
  Duration.max(Duration.subtract(reviewTimeout, "5 seconds"), Duration.times(reviewTimeout, 0.5))

/** Behind `reviewTimeout`: only a process that stands still has not ended its OpenClaw by then. */
const LENIENCE = Duration.seconds(10)

const timedOut = (limit: Duration.Duration) => new OpenClawTimedOut({ detail: `none within ${Duration.format(limit)}` })

/** `missing`: since when the jobs of requests are missing. */
interface ReviewOptions {
  readonly request: HealingRequest
  readonly begins: Effect.Effect<void>
  readonly limit: Duration.Duration
  readonly reviewTimeout: Duration.Duration
  readonly builtAt: number
  readonly missing: Map<string, number>
}

/**
 * Whether to wait for a job that the supervisor does not have: it may be starting its jobs, and one that was deleted may come back. Who
 * asks for one by a name that there is not is told so.
 */
const mayComeYet = ({ builtAt, missing, request }: ReviewOptions, now: number): boolean => {
  if (!isAutomatic(request) && request.submittedAt >= builtAt) return false
  if (missing.size >= MAX_REMEMBERED) missing.clear()
  const since = missing.get(request.id) ?? now
  missing.set(request.id, since)
  return now - since < MAX_MISSING
}

const review = Effect.fnUntraced(function* (cli: OpenClawCli.OpenClawCli, options: ReviewOptions) {
  const { begins, limit, missing, request, reviewTimeout } = options
  const now = Clocks.millis(yield* Effect.clock)
  const killedAt = now + Duration.toMillis(Duration.sum(reviewTimeout, LENIENCE))
  const until = { end: now + Duration.toMillis(limit), killedAt }
  const gathered = yield* gather(request).pipe(
    Effect.mapError(({ message }) => new EvidenceUnavailable({ detail: head(message, MAX_DETAIL).text })),
    Effect.timeoutFail({
      duration: Duration.times(limit, 0.5),
      onTimeout: () => new EvidenceUnavailable({ detail: "the supervisor or the store does not answer" })
    })
  )
  if (gathered._tag === "Nothing") {
    const { lacksJob, reason } = gathered
    if (lacksJob && mayComeYet(options, now)) return yield* new JobMissing({ detail: reason })
    missing.delete(request.id)
    return Reviewed.Skipped({ reason })
  }
  missing.delete(request.id)
  const { dossier } = gathered

  const mark = `evidence-${randomBytes(8).toString("hex")}`
  const question = Prompt.ask(dossier, mark, cli.mayRead)
  const first = yield* cli.ask(question, until, begins)
  const answer = Answer.read(first.text, dossier.files)
  if (Either.isRight(answer)) return completed(answer.right, dossier, first.spent)

  const again = Prompt.askAgain(question, head(first.text, MAX_ANSWER).text, answer.left, mark)
  const second = yield* cli.ask(again, until)
  const corrected = Answer.read(second.text, dossier.files)
  if (Either.isRight(corrected)) {
    return completed(corrected.right, dossier, Envelope.add(first.spent, second.spent))
  }
  return yield* new MalformedReport({ issues: corrected.left, excerpt: head(second.text, MAX_DETAIL).text })
})

const completed = (answer: Answer.Answer, dossier: Dossier, spent: Envelope.Spent): Reviewed =>
  Reviewed.Completed({ report: Answer.toReport(answer, dossier, spent) })

const MAX_DETAIL = 500

/** How much is kept of an answer that could not be read: more than is shown of it. */
const MAX_ANSWER = 16_000
