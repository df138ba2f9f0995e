/**
 * The mechanism behind `HealingScheduler`.
 *
 * @internal
 */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type HealingStoreError, SupervisorError } from "../HealingError.js"
import * as Clocks from "../internal/Clocks.js"
import { defaultPolicy, type HealingPolicy } from "../policy/HealingPolicy.js"
import { forScheduler } from "../queue/ForScheduler.js"
import { HealingQueue } from "../queue/HealingQueue.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import type { Occurrence } from "../store/Change.js"
import { HealingStore } from "../store/HealingStore.js"
import { Evidence, EvidenceScope } from "../supervisor/Evidence.js"
import { JobEvent, type JobInfo, Supervisor } from "../supervisor/Supervisor.js"
import { Agenda, type Due } from "./Agenda.js"
import * as EventInbox from "./EventInbox.js"
import * as FailureSignature from "./FailureSignature.js"
import { KnownJobs } from "./KnownJobs.js"

const MINUTE = Duration.toMillis("1 minute")

/** How long a supervisor may take to tell which jobs it has. */
const JOBS_TIMEOUT = Duration.seconds(30)

/** How long it may take to tell about a failure. */
const EVIDENCE_TIMEOUT = Duration.seconds(10)

/** As many are written in one commit. */
const BATCH = 1000

const MAX_STRANGERS = 1000

const MAX_UPCOMING = 100

/** @internal */
export const make = Effect.gen(function* () {
  const settings = yield* HealingConfig
  const supervisor = yield* Supervisor
  const store = yield* HealingStore
  const { [forScheduler]: queue } = yield* HealingQueue
  if (queue === undefined) {
    return yield* Effect.dieMessage("HealingScheduler.layer needs the HealingQueue of HealingQueue.layer")
  }
  const { addVeto, submit } = queue
  const fileSystem = yield* FileSystem
  const scope = yield* Effect.scope
  const clock = yield* Effect.clock

  const wall = () => Math.floor(clock.unsafeCurrentTimeMillis())
  const known = new KnownJobs(settings)
  const agenda = new Agenda(yield* store.lastOccurrences, Duration.toMillis(settings.maxCatchUpAge))
  const wake = yield* Effect.makeLatch(false)
  addVeto(({ job }) => (known.of(job)?.enabled === false ? "its policy was switched off" : undefined))

  const wishOf = (job: string, { cooldown, priority }: Pick<HealingPolicy, "cooldown" | "priority">) => ({
    job,
    cooldown,
    priority
  })

  // -----------------------------------------------------------------------------
  // Which jobs there are
  // -----------------------------------------------------------------------------

  let isAnswering = true
  let readAt = Number.NEGATIVE_INFINITY

  let reads = 0
  let lastRead = 0

  const read: Effect.Effect<void, SupervisorError> = Effect.suspend(() => {
    const number = ++reads
    return Effect.flatMap(
      Effect.suspend(() => supervisor.jobs),
      (jobs) =>
        Array.isArray(jobs)
          ? Effect.sync(() => (number < lastRead ? [] : learn(jobs, number)))
          : new SupervisorError({ detail: "its adapter gave no list of jobs" })
    )
  }).pipe(
    Effect.timeoutFail({
      duration: JOBS_TIMEOUT,
      onTimeout: () => new SupervisorError({ detail: "it has not told its jobs within 30 seconds" })
    }),
    // Without the cause, in which an adapter may well name a secret.
    Effect.catchAllCause((cause) =>
      Effect.fail(
        Option.getOrElse(Cause.failureOption(cause), () => new SupervisorError({ detail: "its adapter is broken" }))
      )
    ),
    Effect.flatMap((news) => Effect.forEach(news, (message) => Effect.logWarning(message), { discard: true })),
    Effect.zipRight(wake.open)
  )

  /** An answer that is older than one that was learnt already is none. */
  const learn = (jobs: ReadonlyArray<unknown>, number: number): ReadonlyArray<string> => {
    lastRead = number
    isAnswering = true
    if (known.isSame(jobs)) return []
    const news = known.read(jobs)
    agenda.plan(
      known.plans,
      (job) => known.has(job),
      (job) => known.isWrong(job),
      wall()
    )
    return news
  }

  const readOrWarn = Effect.catchAll(read, (error) => {
    if (!isAnswering) return Effect.void
    isAnswering = false
    return Effect.logWarning(
      `The supervisor does not tell its jobs, so that they are taken to be as before: ${error.message}`
    )
  })

  // -----------------------------------------------------------------------------
  // By the clock
  // -----------------------------------------------------------------------------

  const without = (due: Due, reason: string): Effect.Effect<void, HealingStoreError> => {
    const occurrence: Occurrence = { ...due, request: null, reason }
    return store.commit([{ _tag: "Occurrence", occurrence }])
  }

  const request = (due: Due): Effect.Effect<unknown, HealingStoreError> => {
    const { reason, ...occurrence } = due
    if (reason !== null) return without(due, reason)
    return submit({ ...wishOf(due.job, known.of(due.job) ?? {}), trigger: "schedule" }, { due: occurrence }).pipe(
      Effect.catchTag("HealingQueueFull", "HealingInvalid", (error) => without(due, error.message))
    )
  }

  const settle = (due: Due): Effect.Effect<void> =>
    Effect.matchEffect(Effect.sandbox(request(due)), {
      onSuccess: () => Effect.sync(() => agenda.done(due)),
      onFailure: (cause) => {
        agenda.failed(due, wall())
        const error = Option.getOrElse(Cause.failureOption(cause), () => ({ message: "because of a bug" }))
        return Effect.logWarning(
          `The scheduled review of "${due.job}" is asked for again in a minute: ${error.message}`
        )
      }
    })

  const writeMarks = Effect.suspend(() =>
    Effect.forEach(Arr.chunksOf(agenda.unwritten, BATCH), (marks) =>
      Effect.map(store.commit(marks.map((occurrence) => ({ _tag: "Occurrence", occurrence }))), () =>
        agenda.written(marks)
      )
    )
  )

  const tick = Effect.gen(function* () {
    wake.unsafeClose()
    if (Clocks.millis(clock) - readAt >= MINUTE) {
      readAt = Clocks.millis(clock)
      yield* Effect.forkIn(readOrWarn, scope)
    }
    // What cannot be written now is there the next time.
    yield* Effect.catchAll(writeMarks, (error) =>
      Effect.logWarning(`Where schedules begin and end is written again in a minute: ${error.message}`)
    )
    const due = agenda.take(wall())
    if (due.length > 0) {
      yield* Effect.forEach(due, settle, { concurrency: "unbounded", discard: true }).pipe(Effect.forkIn(scope))
    }
    const delay = Math.max(0, Math.min(agenda.next - wall(), Math.ceil(readAt + MINUTE - Clocks.millis(clock))))
    yield* Effect.timeoutOption(wake.await, Duration.millis(delay))
  })

  // -----------------------------------------------------------------------------
  // By events
  // -----------------------------------------------------------------------------

  const evidenceOf = (info: JobInfo, { runId }: JobEvent) =>
    Effect.filterOrFail(
      Effect.suspend(() => supervisor.evidence(info, EvidenceScope.Failure({ runId, limit: 1 }))),
      Schema.is(Evidence)
    )

  /** `null` if it cannot be told, or not soon. */
  const signatureOf = (info: JobInfo, event: JobEvent): Effect.Effect<string | null> =>
    evidenceOf(info, event).pipe(
      Effect.flatMap((evidence) => FailureSignature.make(event, evidence)),
      Effect.provideService(FileSystem, fileSystem),
      Effect.disconnect,
      Effect.timeout(EVIDENCE_TIMEOUT),
      Effect.catchAllCause(() => Effect.succeed(null))
    )

  /** Jobs that the supervisor did not have, and when it was asked. */
  const strangers = new Map<string, number>()

  /** Whether it does not have the job. It is asked at most once a minute. */
  const isStranger = (job: string) =>
    Effect.gen(function* () {
      if (known.has(job)) return false
      const askedAt = strangers.get(job)
      if (askedAt !== undefined && Clocks.millis(clock) - askedAt < MINUTE) return true
      yield* read
      if (known.has(job)) return false
      if (strangers.size >= MAX_STRANGERS) strangers.clear()
      strangers.set(job, Clocks.millis(clock))
      if (askedAt === undefined) {
        yield* Effect.logWarning(`Something happened to "${job}", which the supervisor does not have`)
      }
      return true
    })

  const handle = Effect.fnUntraced(function* (event: JobEvent, isHasty: boolean) {
    const { job, runId, trigger } = event
    // At the end there is no time to ask.
    if (isHasty ? lastRead > 0 && !known.has(job) : yield* isStranger(job)) return
    const info = known.info(job)
    const policy = known.of(job) ?? (info === undefined ? defaultPolicy : undefined)
    if (!settings.enabled || policy?.enabled !== true || !policy.triggers.includes(trigger)) return
    const signature = trigger !== "failure" || isHasty || info === undefined ? null : yield* signatureOf(info, event)
    const isExplained =
      signature !== null && (yield* Effect.orElseSucceed(store.explained(job, signature), () => false))
    if (isExplained) return yield* Effect.logDebug(`The failure of "${job}" was explained by a review before`)
    yield* submit({ ...wishOf(job, policy), trigger, runId: runId ?? undefined }, { signature }).pipe(
      Effect.catchTag("HealingQueueFull", "HealingInvalid", (error) => Effect.logWarning(error.message))
    )
  })

  const inbox = yield* EventInbox.make(handle)

  const isJobEvent = Schema.is(JobEvent)
  let hasMisfit = false

  const accept = (event: unknown): Effect.Effect<void> => {
    if (isJobEvent(event)) return Effect.sync(() => inbox.accept(event))
    if (hasMisfit) return Effect.void
    hasMisfit = true
    return Effect.logWarning("The supervisor tells of events that do not fit JobEvent: they are left out")
  }

  // By pulls, the first of which is made at once: `Stream.runForEach` would make it in a fiber that starts later.
  const listen = Stream.toPull(supervisor.events).pipe(
    Effect.flatMap((pull) => Effect.forever(Effect.flatMap(pull, Effect.forEach(accept, { discard: true })))),
    Effect.scoped,
    // Without the cause, in which an adapter may well name a secret.
    Effect.catchAllCause((cause) => {
      const hasEnded = Option.exists(Cause.failureOption(cause), Option.isNone)
      const what = hasEnded ? "have ended" : "broke"
      return Effect.logError(`The events of the supervisor ${what}: until it is built anew, only schedules count`)
    })
  )
  // So that nothing is missed that happens when the layer has just been built.
  Runtime.runFork(yield* Effect.runtime<never>(), listen, { scope })
  const tickAgain = Effect.catchAllDefect(tick, () =>
    Effect.zipRight(Effect.logFatal("The scheduler has a bug, and goes on in a minute"), Effect.sleep("1 minute"))
  )
  yield* Effect.forkScoped(Effect.forever(tickAgain))

  return {
    refresh: read,
    upcoming: Effect.sync(() => agenda.upcoming(MAX_UPCOMING)),
    problems: Effect.sync(() => known.problems)
  }
})
