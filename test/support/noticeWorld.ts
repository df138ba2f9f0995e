/** What the tests of notices share: channels that do as the test says, jobs that run as it says, and a database that outlives all of it. */
import { NodeContext } from "@effect/platform-node"
import type { SqlClient } from "@effect/sql/SqlClient"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Context, Duration, Effect, Exit, identity, Layer, Logger, LogLevel, Scope } from "effect"
import {
  HealingConfig,
  HealingQueue,
  type HealingRequest,
  HealingScheduler,
  HealingService,
  type HealingSettingsInput,
  HealingStore,
  JobRegistry,
  type Notice,
  Notices,
  NotifyError,
  OpenClaw,
  type ReviewError,
  Reviewed,
  Reviewer,
  Suggestions,
  Supervisor
} from "effect-healing"
import type { Channel } from "../../src/notify/Channel.js"
import * as Service from "../../src/notify/Service.js"
import { Disk } from "./queueWorld.js"
import { LeapingClock, settle } from "./schedulerWorld.js"

/** What a channel does with what it is given. */
export type Behaviour = "takes" | "fails" | "refuses" | "hangs" | "dies" | { readonly retryAfter: number }

/** A channel, and what it was given: also what it did not take. */
export class FakeChannel {
  behaviour: Behaviour = "takes"
  readonly tried: Array<Notice> = []
  readonly taken: Array<Notice> = []
  /** Told before each notice is looked at. */
  before: Effect.Effect<void> = Effect.void

  constructor(
    readonly name: string,
    readonly fields: Partial<Channel> = {}
  ) {}

  get channel(): Channel {
    return {
      name: this.name,
      type: "app",
      takes: () => true,
      isHeavy: false,
      alone: identity,
      patience: Duration.seconds(30),
      send: (notice) =>
        Effect.zipRight(
          Effect.suspend(() => this.before),
          Effect.suspend(() => this.#send(notice))
        ),
      ...this.fields
    }
  }

  #send(notice: Notice): Effect.Effect<void, NotifyError> {
    this.tried.push(notice)
    const { behaviour } = this
    if (behaviour === "takes") {
      this.taken.push(notice)
      return Effect.void
    }
    if (behaviour === "hangs") return Effect.never
    if (behaviour === "dies") return Effect.die(new Error("a bug with https://hooks.example.com/secret"))
    if (behaviour === "refuses") return new NotifyError({ reason: "Refused", detail: "too long" })
    const retryAfter = typeof behaviour === "object" ? behaviour.retryAfter : undefined
    return new NotifyError({
      reason: "Failed",
      detail: "it answers 503",
      ...(retryAfter !== undefined && { retryAfter })
    })
  }

  /** What was taken, as `kind job`. */
  get told(): ReadonlyArray<string> {
    return this.taken.map(({ job, kind }) => (job === null ? kind : `${kind} ${job}`))
  }
}

/** From a start to an end, which is as clean as the test says. */
export interface Life {
  readonly notices: Context.Tag.Service<Notices>
  readonly queue: Context.Tag.Service<HealingQueue>
  readonly suggestions: Context.Tag.Service<Suggestions>
  readonly scheduler: Context.Tag.Service<HealingScheduler>
  readonly registry: Context.Tag.Service<JobRegistry>
  readonly openClaw: Context.Tag.Service<OpenClaw>
  readonly store: Context.Tag.Service<HealingStore>
  readonly stop: Effect.Effect<void>
  /** Ends without another word to the disk. */
  readonly crash: Effect.Effect<void>
}

export const makeNoticeWorld = (channels: ReadonlyArray<FakeChannel>, settings: HealingSettingsInput = {}) =>
  Effect.gen(function* () {
    const sqlite = yield* Layer.build(SqliteClient.layer({ filename: ":memory:" }))
    const sql: SqlClient = Context.get(sqlite, SqliteClient.SqliteClient)
    const disk = new Disk()
    const clock = new LeapingClock(Date.UTC(2026, 0, 1))
    const logged: Array<string> = []
    const reviewed: Array<HealingRequest> = []
    const state = {
      /** What the next reviews find. */
      review: (_request: HealingRequest): Effect.Effect<Reviewed, ReviewError> =>
        Effect.succeed(Reviewed.Completed({ report: { summary: "all is well", rootCause: "the disk is full" } }))
    }

    const StoreLive = Layer.effect(
      HealingStore,
      Effect.map(HealingStore, (store) => disk.of(store))
    ).pipe(Layer.provide(HealingStore.layerSql), Layer.provide(Layer.succeedContext(sqlite)))

    const LoggerLive = Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ logLevel, message }) => {
        if (logLevel.ordinal >= LogLevel.Info.ordinal) logged.push(String(message))
      })
    )

    const NoticesLive = Layer.scoped(
      Notices,
      // Those that there are by then.
      Effect.suspend(() => Service.makeWith(channels.map(({ channel }) => channel)))
    )

    const Live = Layer.merge(NoticesLive, Suggestions.layer).pipe(
      Layer.provideMerge(HealingScheduler.layer),
      Layer.provideMerge(HealingQueue.layer),
      Layer.provide(
        Layer.succeed(Reviewer, {
          review: (request) =>
            Effect.suspend(() => {
              reviewed.push(request)
              return state.review(request)
            })
        })
      ),
      Layer.provideMerge(StoreLive),
      Layer.provide(Supervisor.layerActivity),
      Layer.provideMerge(HealingService.layer),
      Layer.provideMerge(OpenClaw.layer),
      Layer.provideMerge(HealingConfig.layer({ quietPeriod: 0, cooldown: 0, ...settings })),
      Layer.provideMerge(JobRegistry.layer),
      Layer.provide(NodeContext.layer),
      Layer.provide(LoggerLive)
    )

    const start = Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
      const context = yield* Effect.withClock(Layer.buildWithScope(Live, scope), clock)
      yield* settle
      const stop = Effect.zipRight(Scope.close(scope, Exit.void), settle)
      const life: Life = {
        notices: Context.get(context, Notices),
        queue: Context.get(context, HealingQueue),
        suggestions: Context.get(context, Suggestions),
        scheduler: Context.get(context, HealingScheduler),
        registry: Context.get(context, JobRegistry),
        openClaw: Context.get(context, OpenClaw),
        store: Context.get(context, HealingStore),
        stop,
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

    /** In one leap: whoever sleeps until then wakes. */
    const pass = (duration: Duration.DurationInput) =>
      Effect.zipRight(
        Effect.sync(() => clock.pass(Duration.toMillis(duration))),
        settle
      )

    return { start, state, reviewed, disk, sql, clock, logged, pass }
  })

/** A run of the job that ends so. */
export const runJob = (
  { registry }: Pick<Life, "registry">,
  job: string,
  how: { readonly exitCode: number; readonly lastError?: string } = { exitCode: 0 }
) =>
  Effect.gen(function* () {
    const run = yield* registry.started(job)
    yield* registry.ended(job, run, how)
    yield* settle
  })

export const failing = (lastError: string) => ({ exitCode: 1, lastError })
