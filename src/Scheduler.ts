/**
 * The mechanism behind `HealingScheduler`.
 *
 * @internal
 */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Agenda, type Due } from "./Agenda.js"
import { Evidence, EvidenceScope } from "./Evidence.js"
import * as FailureSignature from "./FailureSignature.js"
import { HealingConfig } from "./HealingConfig.js"
import { type HealingStoreError, SupervisorError } from "./HealingError.js"
import type { HealingPolicy } from "./HealingPolicy.js"
import { HealingQueue } from "./HealingQueue.js"
import type { HealingScheduler } from "./HealingScheduler.js"
import { HealingStore, type Occurrence } from "./HealingStore.js"
import * as Monotonic from "./Monotonic.js"
import { Policies } from "./Policies.js"
import { submitterOf } from "./Queue.js"
import { JobEvent, type JobInfo, Supervisor } from "./Supervisor.js"
import * as Triggers from "./Triggers.js"

const MINUTE = Duration.toMillis("1 minute")

/** How long a supervisor may take to tell which jobs it has. */
const JOBS_TIMEOUT = Duration.seconds(30)

/** How long it may take to tell about a failure. */
const EVIDENCE_TIMEOUT = Duration.seconds(10)

/** As many are written in one commit. */
const BATCH = 1000

const MAX_UPCOMING = 100

/** @internal */
export const make: Effect.Effect<
  Context.Tag.Service<HealingScheduler>,
  HealingStoreError,
  HealingQueue | Supervisor | HealingStore | HealingConfig | FileSystem | Scope.Scope
> = Effect.gen(function* () {
  const settings = yield* HealingConfig
  const supervisor = yield* Supervisor
  const store = yield* HealingStore
  const submit = submitterOf(yield* HealingQueue)
  if (submit === undefined) {
    return yield* Effect.dieMessage("HealingScheduler.layer needs the HealingQueue of HealingQueue.layer")
  }
  const fileSystem = yield* FileSystem
  const scope = yield* Effect.scope
  const clock = yield* Effect.clock

  const wall = () => Math.floor(clock.unsafeCurrentTimeMillis())
  const policies = new Policies(settings)
  const agenda = new Agenda(yield* store.lastOccurrences, Duration.toMillis(settings.maxCatchUpAge))
  const wake = yield* Effect.makeLatch(false)

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

  const read: Effect.Effect<void, SupervisorError> = supervisor.jobs.pipe(
    Effect.timeoutFail({
      duration: JOBS_TIMEOUT,
      onTimeout: () => new SupervisorError({ detail: "it has not told its jobs within 30 seconds" })
    }),
    Effect.catchAllDefect(() => Effect.fail(new SupervisorError({ detail: "its adapter is broken" }))),
    Effect.flatMap((jobs) => {
      const news = policies.read(jobs)
      agenda.plan(
        policies.plans,
        (job) => policies.has(job),
        (job) => policies.isWrong(job),
        wall()
      )
      isAnswering = true
      return Effect.zipRight(
        Effect.forEach(news, (message) => Effect.logWarning(message), { discard: true }),
        wake.open
      )
    })
  )

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
    return submit({ ...wishOf(due.job, policies.of(due.job) ?? {}), trigger: "schedule" }, { due: occurrence }).pipe(
      Effect.catchTag("HealingQueueFull", "HealingInvalid", (error) => without(due, error.message))
    )
  }

  const settle = (due: Due): Effect.Effect<void> =>
    Effect.matchEffect(request(due), {
      onSuccess: () => Effect.sync(() => agenda.done(due)),
      onFailure: (error) => {
        agenda.failed(due, wall())
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
    if (Monotonic.millis(clock) - readAt >= MINUTE) {
      readAt = Monotonic.millis(clock)
      yield* Effect.forkIn(readOrWarn, scope)
    }
    // What cannot be written now is there the next time.
    yield* Effect.ignoreLogged(writeMarks)
    const due = agenda.take(wall())
    if (due.length > 0) {
      yield* Effect.forEach(due, settle, { concurrency: "unbounded", discard: true }).pipe(Effect.forkIn(scope))
    }
    const delay = Math.max(0, Math.min(agenda.next - wall(), Math.ceil(readAt + MINUTE - Monotonic.millis(clock))))
    yield* Effect.timeoutOption(wake.await, Duration.millis(delay))
  })

  // -----------------------------------------------------------------------------
  // By events
  // -----------------------------------------------------------------------------

  const evidenceOf = (info: JobInfo, { runId }: JobEvent) =>
    supervisor
      .evidence(info, EvidenceScope.Failure({ runId, limit: 1 }))
      .pipe(Effect.timeout(EVIDENCE_TIMEOUT), Effect.filterOrFail(Schema.is(Evidence)))

  /** `null` if it cannot be told. */
  const signatureOf = (info: JobInfo, event: JobEvent): Effect.Effect<string | null> =>
    evidenceOf(info, event).pipe(
      Effect.flatMap((evidence) => FailureSignature.make(event, evidence)),
      Effect.provideService(FileSystem, fileSystem),
      Effect.catchAllCause(() => Effect.succeed(null))
    )

  const handle = Effect.fnUntraced(function* (event: JobEvent, isHasty: boolean) {
    const { job, runId, trigger } = event
    // One that is as new as this.
    if (!policies.has(job) && !isHasty) yield* readOrWarn
    const info = policies.info(job)
    const policy = policies.of(job)
    if (info === undefined)
      return yield* Effect.logWarning(`Something happened to "${job}", which the supervisor does not have`)
    if (!settings.enabled || policy?.enabled !== true || !policy.triggers.includes(trigger)) return
    const signature = trigger === "failure" && !isHasty ? yield* signatureOf(info, event) : null
    const isExplained =
      signature !== null && (yield* Effect.orElseSucceed(store.explained(job, signature), () => false))
    if (isExplained) return yield* Effect.logDebug(`The failure of "${job}" was explained by a review before`)
    yield* submit({ ...wishOf(job, policy), trigger, runId: runId ?? undefined }, { signature }).pipe(
      Effect.catchTag("HealingQueueFull", "HealingInvalid", (error) => Effect.logWarning(error.message))
    )
  })

  const triggers = yield* Triggers.make(handle)

  const isJobEvent = Schema.is(JobEvent)
  let hasMisfit = false

  const accept = (event: unknown): Effect.Effect<void> => {
    if (isJobEvent(event)) return Effect.sync(() => triggers.accept(event))
    if (hasMisfit) return Effect.void
    hasMisfit = true
    return Effect.logWarning("The supervisor tells of events that do not fit JobEvent: they are left out")
  }

  yield* Stream.runForEach(supervisor.events, accept).pipe(
    Effect.zipRight(
      Effect.logError("The events of the supervisor have ended: until it is built anew, only schedules count")
    ),
    // Without the cause, in which an adapter may well name a secret.
    Effect.catchAllCause(() =>
      Effect.logError("The events of the supervisor broke: until it is built anew, only schedules count")
    ),
    Effect.forkScoped
  )
  const tickAgain = Effect.catchAllDefect(tick, () =>
    Effect.zipRight(Effect.logFatal("The scheduler has a bug, and goes on in a minute"), Effect.sleep("1 minute"))
  )
  yield* Effect.forkScoped(Effect.forever(tickAgain))

  return {
    refresh: read,
    upcoming: Effect.sync(() => agenda.upcoming(MAX_UPCOMING)),
    problems: Effect.sync(() => policies.problems)
  }
})
