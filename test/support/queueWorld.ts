/** What the tests of the queue share: a database that outlives its queues, and reviews that end when the test says so. */
import type { SqlClient } from "@effect/sql/SqlClient"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert } from "@effect/vitest"
import { Context, Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Scope, Stream } from "effect"
import {
  HealingConfig,
  type HealingEvent,
  HealingQueue,
  type HealingRequest,
  HealingService,
  type HealingSettingsInput,
  HealingStore,
  HealingStoreError,
  type HealingWish,
  OpenClaw,
  ReviewError,
  Reviewed,
  Reviewer
} from "effect-healing"
import { isForGood } from "../../src/HealingError.js"
import { type HasTellsBegin, tellsBegin } from "../../src/review/Reviewer.js"
import { settle } from "./gateWorld.js"

/** The store, until something is wrong with it. */
export class Disk {
  /** What every commit fails with. */
  error: HealingStoreError | undefined
  /** Told before each commit; may hold it up. */
  before: Effect.Effect<void> = Effect.void
  commits = 0

  /** `isLooked`: whether it is seen without a commit that the file was lost. */
  constructor(readonly isLooked = false) {}

  fail(reason: HealingStoreError["reason"] = "Full"): void {
    this.error = new HealingStoreError({ reason, detail: `the disk is ${reason}` })
  }

  repair(): void {
    this.error = undefined
  }

  of(store: Context.Tag.Service<HealingStore>): Context.Tag.Service<HealingStore> {
    return {
      ...store,
      check: this.isLooked
        ? Effect.suspend(() => (this.error !== undefined && isForGood(this.error) ? this.error : Effect.void))
        : store.check,
      commit: (changes) =>
        Effect.zipRight(
          Effect.suspend(() => this.before),
          Effect.suspend(() => {
            if (this.error !== undefined) return Effect.fail(this.error)
            this.commits++
            return store.commit(changes)
          })
        )
    }
  }
}

/** One review that runs. */
export interface OpenReview {
  readonly request: HealingRequest
  readonly end: Deferred.Deferred<Reviewed, ReviewError>
}

export const report = (summary = "all is well") => Reviewed.Completed({ report: { summary } })

export const failure = (job: string, retry: ReviewError["retry"]["_tag"] = "Backoff", until?: number) =>
  new ReviewError({
    job,
    reason: "no luck",
    retry: retry === "RateLimited" ? { _tag: retry, ...(until !== undefined && { until }) } : { _tag: retry }
  })

/** A queue from its start to its end, which is as clean as the test says. */
export interface Life {
  readonly queue: Context.Tag.Service<HealingQueue>
  readonly openClaw: Context.Tag.Service<OpenClaw>
  readonly healing: Context.Tag.Service<HealingService>
  readonly store: Context.Tag.Service<HealingStore>
  /** Ends with everything interrupted and written, as far as the disk lets it. */
  readonly stop: Effect.Effect<void>
  /** Ends without another word to the disk. */
  readonly crash: Effect.Effect<void>
}

export const makeQueueWorld = (
  settings: HealingSettingsInput = {},
  options: {
    readonly layer?: typeof HealingQueue.layer
    readonly reviewTelling?: HasTellsBegin[typeof tellsBegin]
  } = {}
) =>
  Effect.gen(function* () {
    const sqlite = yield* Layer.build(SqliteClient.layer({ filename: ":memory:" }))
    const sql: SqlClient = Context.get(sqlite, SqliteClient.SqliteClient)
    const disk = new Disk()
    const open: Array<OpenReview> = []
    const log: Array<string> = []
    const events: Array<HealingEvent> = []

    const StoreLive = Layer.effect(
      HealingStore,
      Effect.map(HealingStore, (store) => disk.of(store))
    ).pipe(Layer.provide(HealingStore.layerSql), Layer.provide(Layer.succeedContext(sqlite)))

    const ReviewerLive = Layer.succeed(Reviewer, {
      ...(options.reviewTelling !== undefined && { [tellsBegin]: options.reviewTelling }),
      review: (request) =>
        Effect.gen(function* () {
          const review: OpenReview = { request, end: yield* Deferred.make<Reviewed, ReviewError>() }
          open.push(review)
          log.push(`${request.job} begins`)
          return yield* Deferred.await(review.end).pipe(
            Effect.onExit((exit) =>
              Effect.sync(() => {
                open.splice(open.indexOf(review), 1)
                log.push(
                  `${request.job} ${Exit.isSuccess(exit) ? "ends" : Exit.isInterrupted(exit) ? "stops" : "fails"}`
                )
              })
            )
          )
        })
    })

    // Tests go from day to day, and end their reviews themselves.
    const ConfigLive = HealingConfig.layer({ quietPeriod: 0, reviewTimeout: Duration.infinity, ...settings })

    const QueueLive = (options.layer ?? HealingQueue.layer).pipe(
      Layer.provideMerge(StoreLive),
      Layer.provideMerge(HealingService.layer),
      Layer.provideMerge(OpenClaw.layer),
      Layer.provide(ReviewerLive),
      Layer.provideMerge(ConfigLive)
    )

    const start = Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
      const context = yield* Layer.buildWithScope(QueueLive, scope)
      const queue = Context.get(context, HealingQueue)
      const life: Life = {
        queue,
        openClaw: Context.get(context, OpenClaw),
        healing: Context.get(context, HealingService),
        store: Context.get(context, HealingStore),
        stop: Scope.close(scope, Exit.void),
        crash: Effect.suspend(() => {
          disk.fail("Unavailable")
          return Effect.zipRight(
            Scope.close(scope, Exit.void),
            Effect.sync(() => disk.repair())
          )
        })
      }
      yield* Stream.runForEach(queue.events, (event) => Effect.sync(() => events.push(event))).pipe(
        Effect.forkIn(scope)
      )
      yield* settle
      return life
    })

    /** Ends the review of the job that runs. */
    const end = (job: string, how: Reviewed | ReviewError = report()) =>
      Effect.gen(function* () {
        const review = open.find(({ request }) => request.job === job)
        assert.isDefined(review, `no review of ${job} runs`)
        if (review === undefined) return
        if (how instanceof ReviewError) yield* Deferred.fail(review.end, how)
        else yield* Deferred.succeed(review.end, how)
        yield* settle
      })

    const rows = sql<{ readonly job: string; readonly state: string; readonly attempts: number }>`
      SELECT job, state, attempts FROM healing_requests ORDER BY number`

    /** What stands in the database, as `job state` or `job state (attempts)`. */
    const stored = Effect.map(rows, (rows) =>
      rows.map(({ attempts, job, state }) => `${job} ${state}${attempts === 0 ? "" : ` (${attempts})`}`)
    )

    return { start, end, open, log, events, disk, sql, stored }
  })

/** A call of `heal` in a fiber of its own. */
export const healing = (life: Life, wish: HealingWish) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(life.queue.heal(wish))
    yield* settle
    return {
      review: Fiber.join(fiber),
      error: Effect.flip(Fiber.join(fiber)),
      interrupt: Effect.zipRight(Fiber.interrupt(fiber), settle),
      hasEnded: Effect.map(Fiber.poll(fiber), Option.isSome)
    }
  })
