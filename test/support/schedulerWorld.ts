/** What the tests of the scheduler share: jobs that change as the test says, and a database that outlives its schedulers. */
import { NodeContext } from "@effect/platform-node"
import type { SqlClient } from "@effect/sql/SqlClient"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert } from "@effect/vitest"
import {
  Cause,
  Clock,
  Context,
  Deferred,
  Duration,
  Effect,
  Exit,
  Layer,
  Logger,
  LogLevel,
  Mailbox,
  Scope,
  Stream
} from "effect"
import {
  Activity,
  type Evidence,
  HealingConfig,
  type HealingPolicyInput,
  HealingQueue,
  type HealingRequest,
  HealingScheduler,
  HealingService,
  type HealingSettingsInput,
  HealingStore,
  type JobEvent,
  type JobInfo,
  type Occurrence,
  OpenClaw,
  Reviewed,
  Reviewer,
  Supervisor,
  type SupervisorError
} from "effect-healing"
import { Disk } from "./queueWorld.js"

export const noEvidence: Evidence = { command: "node job.js", runs: [], slaBreaches: [], logs: [], files: [] }

export const aJob = (id: string, policy: HealingPolicyInput = {}): JobInfo => ({
  id,
  kind: "cron",
  openClaw: false,
  policy
})

export const failureOf = (job: string, runId: string, fields: Partial<JobEvent> = {}): JobEvent => ({
  job,
  trigger: "failure",
  runId,
  exitCode: 1,
  lastError: "Error: boom",
  ...fields
})

interface Sleep {
  readonly until: number
  readonly wake: () => void
}

/**
 * A wall clock that can be set, and a monotonic one that only goes on. `TestClock` goes through every minute of a year; this
 * one leaps, as the clocks of a machine do that has slept.
 */
export class LeapingClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  readonly currentTimeMillis = Effect.sync(() => this.wall)
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())
  private readonly sleeps = new Set<Sleep>()
  private elapsed = 0

  constructor(private wall: number) {}

  unsafeCurrentTimeMillis(): number {
    return this.wall
  }

  unsafeCurrentTimeNanos(): bigint {
    return BigInt(this.elapsed) * 1_000_000n
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (Duration.toMillis(duration) <= 0) return resume(Effect.void)
      const sleep = { until: this.elapsed + Duration.toMillis(duration), wake: () => resume(Effect.void) }
      this.sleeps.add(sleep)
      return Effect.sync(() => this.sleeps.delete(sleep))
    })
  }

  set(wall: number): void {
    this.wall = wall
  }

  /** Both clocks go on at once, and whoever sleeps until then wakes. */
  pass(millis: number): void {
    this.wall += millis
    this.elapsed += millis
    const due = [...this.sleeps].filter(({ until }) => until <= this.elapsed).sort((a, b) => a.until - b.until)
    for (const sleep of due) {
      this.sleeps.delete(sleep)
      sleep.wake()
    }
  }
}

/** Lets every fiber run until it waits for something that only the test can bring about. */
export const settle = Effect.repeatN(
  Effect.promise(() => new Promise((resolve) => setImmediate(resolve))),
  19
)

/** A scheduler from its start to its end. */
export interface Life {
  readonly queue: Context.Tag.Service<HealingQueue>
  readonly scheduler: Context.Tag.Service<HealingScheduler>
  readonly store: Context.Tag.Service<HealingStore>
  readonly healing: Context.Tag.Service<HealingService>
  readonly openClaw: Context.Tag.Service<OpenClaw>
  readonly stop: Effect.Effect<void>
  /** The same, as long as the clock of the world has it last. */
  readonly stopByClock: Effect.Effect<void>
  /** Ends without another word to the disk. */
  readonly crash: Effect.Effect<void>
}

/** Reviews end at once, unless `isSlow` is set: then by `end`. Times begin at `from`. */
export const makeSchedulerWorld = (settings: HealingSettingsInput = {}, from = Date.UTC(2026, 0, 1)) =>
  Effect.gen(function* () {
    const clock = new LeapingClock(from)
    const sqlite = yield* Layer.build(SqliteClient.layer({ filename: ":memory:" }))
    const sql: SqlClient = Context.get(sqlite, SqliteClient.SqliteClient)
    const disk = new Disk()
    const reviewed: Array<HealingRequest> = []
    const open: Array<{ readonly job: string; readonly end: Deferred.Deferred<Reviewed> }> = []
    const logged: Array<string> = []
    const debugged: Array<string> = []
    const state = {
      jobs: [] as ReadonlyArray<JobInfo>,
      /** To the next questions for the jobs; after these, `jobs` or `error`. */
      answers: [] as Array<Effect.Effect<ReadonlyArray<JobInfo>>>,
      error: undefined as SupervisorError | undefined,
      evidence: noEvidence,
      running: [] as ReadonlyArray<string>,
      asked: 0,
      isSlow: false,
      /** Whether what listens to the supervisor cannot be interrupted. */
      isStubborn: false
    }
    const activity = new Set<Mailbox.Mailbox<Activity>>()
    const events = new Set<Mailbox.Mailbox<JobEvent>>()

    const stubborn = Stream.fromEffect(
      Effect.suspend(() => (state.isStubborn ? Effect.uninterruptible(Effect.never) : Effect.void))
    )

    const listen = <A>(mailboxes: Set<Mailbox.Mailbox<A>>, first?: () => A) =>
      Stream.unwrapScoped(
        Effect.map(Mailbox.make<A>(), (mailbox) => {
          mailboxes.add(mailbox)
          if (first !== undefined) mailbox.unsafeOffer(first())
          return Mailbox.toStream(mailbox)
        })
      )

    const SupervisorLive = Layer.succeed(Supervisor, {
      jobs: Effect.suspend(() => {
        state.asked++
        const otherwise = state.error === undefined ? Effect.succeed(state.jobs) : Effect.fail(state.error)
        return state.answers.shift() ?? otherwise
      }),
      activity: Stream.concat(
        listen(activity, () => Activity.Known({ running: state.running })).pipe(
          Stream.takeUntil(() => state.isStubborn)
        ),
        Stream.drain(stubborn)
      ),
      events: Stream.suspend(() => (state.isStubborn ? Stream.drain(stubborn) : listen(events))),
      runs: Stream.never,
      evidence: () => Effect.sync(() => state.evidence)
    })

    const ReviewerLive = Layer.succeed(Reviewer, {
      review: (request) =>
        Effect.gen(function* () {
          reviewed.push(request)
          const report = Reviewed.Completed({ report: { summary: "all is well" } })
          if (!state.isSlow) return report
          const review = { job: request.job, end: yield* Deferred.make<Reviewed>() }
          open.push(review)
          return yield* Effect.ensuring(
            Deferred.await(review.end),
            Effect.sync(() => open.splice(open.indexOf(review), 1))
          )
        })
    })

    const StoreLive = Layer.effect(
      HealingStore,
      Effect.map(HealingStore, (store) => disk.of(store))
    ).pipe(Layer.provide(HealingStore.layerSql), Layer.provide(Layer.succeedContext(sqlite)))

    const LoggerLive = Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ logLevel, message }) => {
        if (logLevel.ordinal >= LogLevel.Warning.ordinal) logged.push(String(message))
        else if (logLevel === LogLevel.Debug) debugged.push(String(message))
      })
    ).pipe(Layer.merge(Logger.minimumLogLevel(LogLevel.Debug)))

    // As `Healing.layerSupervised` does, but for the store.
    const Live = HealingScheduler.layer.pipe(
      Layer.provideMerge(HealingQueue.layer),
      Layer.provide(ReviewerLive),
      Layer.provideMerge(StoreLive),
      Layer.provide(Supervisor.layerActivity),
      Layer.provideMerge(HealingService.layer),
      Layer.provideMerge(OpenClaw.layer),
      Layer.provideMerge(HealingConfig.layer({ quietPeriod: 0, reviewTimeout: "400 days", ...settings })),
      Layer.provide(SupervisorLive),
      Layer.provide(NodeContext.layer),
      Layer.provideMerge(LoggerLive)
    )

    const start = Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
      const listening = events.size
      const context = yield* Effect.withClock(Layer.buildWithScope(Live, scope), clock)
      if (!state.isStubborn)
        assert.isAbove(events.size, listening, "whatever happens after the layer is built is heard")
      yield* settle
      const stop = Effect.zipRight(Scope.close(scope, Exit.void), settle)
      const life: Life = {
        queue: Context.get(context, HealingQueue),
        scheduler: Context.get(context, HealingScheduler),
        store: Context.get(context, HealingStore),
        healing: Context.get(context, HealingService),
        openClaw: Context.get(context, OpenClaw),
        stop,
        stopByClock: Effect.withClock(Scope.close(scope, Exit.void), clock),
        crash: Effect.suspend(() => {
          disk.fail("Unavailable")
          return Effect.zipRight(
            stop,
            Effect.sync(() => disk.repair())
          )
        })
      }
      return life
    })

    /** These OpenClaw jobs run from now on. */
    const run = (...running: ReadonlyArray<string>) =>
      Effect.suspend(() => {
        state.running = running
        for (const mailbox of activity) mailbox.unsafeOffer(Activity.Known({ running }))
        return settle
      })

    const tell = (...all: ReadonlyArray<JobEvent>) =>
      Effect.suspend(() => {
        for (const event of all) for (const mailbox of events) mailbox.unsafeOffer(event)
        return settle
      })

    const breakEvents = Effect.suspend(() => {
      const broken = [...events]
      events.clear()
      return Effect.zipRight(
        Effect.forEach(broken, (mailbox) => mailbox.failCause(Cause.die("broken")), { discard: true }),
        settle
      )
    })

    const end = (job: string) =>
      Effect.suspend(() => {
        const review = open.find((review) => review.job === job)
        assert.isDefined(review, `no review of ${job} runs`)
        return review === undefined
          ? Effect.void
          : Effect.zipRight(
              Deferred.succeed(review.end, Reviewed.Completed({ report: { summary: "all is well" } })),
              settle
            )
      })

    /** What has come of the occurrences of all jobs, the oldest first. */
    const occurrences = sql<
      Omit<Occurrence, "schedule">
    >`SELECT job, first, at, request, reason FROM healing_occurrences ORDER BY number`

    const pass = (duration: Duration.DurationInput) =>
      Effect.zipRight(
        Effect.sync(() => clock.pass(Duration.toMillis(duration))),
        settle
      )

    /** In one leap, whatever should have happened before. */
    const goTo = (time: string) => Effect.suspend(() => pass(at(time) - clock.unsafeCurrentTimeMillis()))

    /** Somebody sets the clock, and what sleeps goes on sleeping. */
    const setClock = (time: string) => Effect.sync(() => clock.set(at(time)))

    return {
      start,
      state,
      run,
      tell,
      breakEvents,
      end,
      reviewed,
      open,
      logged,
      debugged,
      disk,
      sql,
      occurrences,
      pass,
      goTo,
      setClock
    }
  })

export const at = (time: string): number => Date.parse(`${time}Z`)
