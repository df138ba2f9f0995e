/** What reviewers, stores, loggers, schedules and clocks may do wrong, without the queue standing still for it. */
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import {
  Context,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Option,
  Schedule,
  Scope,
  TestClock
} from "effect"
import { Healing, HealingQueue, type HealingSettingsInput, type ReviewError, Reviewed, Reviewer } from "effect-healing"
import { settle } from "../support/gateWorld.js"
import { failure, healing, makeQueueWorld, type OpenReview } from "../support/queueWorld.js"

const minutes = (count: number) => Duration.toMillis(Duration.minutes(count))

const silent = Effect.provide(Logger.remove(Logger.defaultLogger))

const first = ([review]: ReadonlyArray<OpenReview>): OpenReview => {
  if (review === undefined) throw new Error("no review runs")
  return review
}

/** As a caller without types could give it. */
const untyped = (answer: unknown) => answer as Reviewed

const withReviewer = (review: Context.Tag.Service<Reviewer>["review"]) =>
  Effect.map(
    Layer.build(
      Healing.layerSqlite({ filename: ":memory:", settings: { quietPeriod: 0 } }).pipe(
        Layer.provide(Layer.succeed(Reviewer, { review })),
        Layer.provide(NodeContext.layer)
      )
    ),
    Context.get(HealingQueue)
  )

describe("nothing that others do", () => {
  for (const [name, answer] of [
    ["an empty summary", Reviewed.Completed({ report: { summary: "" } })],
    ["a summary of 1 MB", Reviewed.Completed({ report: { summary: "x".repeat(1_000_000) } })],
    ["no answer at all", untyped(undefined)],
    ["skipped without a reason", untyped({ _tag: "Skipped" })],
    ["completed without a report", untyped({ _tag: "Completed" })]
  ] as const) {
    it.scoped(`${name} does not stop the queue`, () =>
      silent(
        Effect.gen(function* () {
          const { open, start, stored } = yield* makeQueueWorld({ maxAttempts: 1 })
          const life = yield* start
          const caller = yield* healing(life, { job: "x" })
          yield* life.queue.submit({ job: "y" })
          yield* settle
          yield* Deferred.succeed(first(open).end, answer)
          yield* TestClock.adjust("1 day")
          const holds = (yield* life.healing.status.get).holds
          const running = (yield* life.healing.status.get).running.map(({ job }) => job)
          assert.deepStrictEqual(
            { stored: (yield* stored).at(-1), holds, running, told: yield* caller.hasEnded },
            { stored: "y running", holds: [], running: ["y"], told: true }
          )
        })
      )
    )
  }

  it.scoped("RateLimited until an instant that has passed is no storm of reviews", () =>
    Effect.gen(function* () {
      const { end, log, start } = yield* makeQueueWorld()
      const { queue } = yield* start
      yield* TestClock.adjust("10 days")
      yield* queue.submit({ job: "x" })
      yield* settle
      for (let i = 0; i < 50; i++) if (log.at(-1) === "x begins") yield* end("x", failure("x", "RateLimited", 12345))
      assert.isBelow(log.filter((line) => line === "x begins").length, 5)
    })
  )

  it.scoped("a request survives a restart in a back-off with jitter", () =>
    Effect.gen(function* () {
      const { end, start, stored } = yield* makeQueueWorld(
        {},
        { layer: HealingQueue.layerRetry(Schedule.jittered(Schedule.exponential("30 seconds"))) }
      )
      const life = yield* start
      yield* life.queue.submit({ job: "x" })
      yield* settle
      yield* end("x", failure("x"))
      yield* life.stop
      const again = yield* start
      assert.deepStrictEqual(yield* stored, ["x pending (1)"])
      assert.deepStrictEqual(
        (yield* again.queue.pending).map(({ job }) => job),
        ["x"]
      )
    })
  )

  it.scoped("a request with a very long max wait survives a restart", () =>
    Effect.gen(function* () {
      const { start, stored } = yield* makeQueueWorld({ enabled: false })
      yield* TestClock.adjust("1 second")
      const life = yield* start
      yield* life.queue.submit({ job: "x", maxWait: Number.MAX_SAFE_INTEGER })
      yield* life.stop
      yield* start
      assert.deepStrictEqual(yield* stored, ["x pending"])
    })
  )

  it.scoped("a request in a cool-down of a fraction of milliseconds survives a restart", () =>
    Effect.gen(function* () {
      const { end, start, stored } = yield* makeQueueWorld({ cooldown: Duration.micros(1_500_500n) })
      const life = yield* start
      yield* life.queue.submit({ job: "x" })
      yield* settle
      yield* end("x")
      yield* life.queue.submit({ job: "x", trigger: "failure" })
      yield* life.stop
      yield* start
      assert.deepStrictEqual(yield* stored, ["x completed", "x pending"])
    })
  )

  it.scoped("a row that is gone does not hold the others up for ever", () =>
    silent(
      Effect.gen(function* () {
        const { log, sql, start } = yield* makeQueueWorld()
        const life = yield* start
        yield* life.openClaw.started("A")
        yield* life.queue.submit({ job: "x" })
        yield* life.queue.submit({ job: "y" })
        yield* sql`DELETE FROM healing_requests WHERE job = 'x'`
        yield* life.openClaw.finished("A")
        yield* settle
        yield* TestClock.adjust("1 day")
        assert.deepStrictEqual(log, ["y begins"])
      })
    )
  )

  it.scoped("an unexpected state at the beginning or the joining of a request is reported as a bug", () =>
    Effect.gen(function* () {
      const logs: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void logs.push(`${logLevel._tag} ${String(message)}`))
      yield* Effect.gen(function* () {
        const { sql, start } = yield* makeQueueWorld()
        const life = yield* start
        yield* life.openClaw.started("A")
        yield* life.queue.submit({ job: "x" })
        yield* sql`DELETE FROM healing_requests WHERE job = 'x'`
        yield* Effect.flip(life.queue.submit({ job: "x" }))
        yield* life.openClaw.finished("A")
        yield* TestClock.adjust("1 minute")
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.isTrue(
        logs.some((line) => line.startsWith("Fatal")),
        logs.join("\n")
      )
    })
  )

  it.scoped("the hold of a failing store ends with the failure, whatever the last error was", () =>
    silent(
      Effect.gen(function* () {
        const { disk, end, log, start } = yield* makeQueueWorld()
        const life = yield* start
        yield* life.queue.submit({ job: "x" })
        yield* settle
        disk.fail()
        yield* end("x")
        disk.fail("UnexpectedState")
        yield* TestClock.adjust("1 minute")
        disk.repair()
        assert.deepStrictEqual((yield* life.healing.status.get).holds, [])
        yield* life.queue.submit({ job: "y" })
        yield* settle
        assert.deepStrictEqual(log.at(-1), "y begins")
      })
    )
  )

  it.scoped("cancel by job stops the running one although the pending one's end cannot be written", () =>
    Effect.gen(function* () {
      const { disk, end, log, start } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.queue.submit({ job: "x" })
      yield* settle
      yield* life.queue.submit({ job: "x" })
      disk.fail()
      const cancelled = yield* Effect.fork(Effect.either(life.queue.cancel({ job: "x" })))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(cancelled)), "answers")
      assert.deepStrictEqual(log, ["x begins", "x stops"])
      void end
    })
  )

  it.scoped("cancel says that it cannot be written, also behind something else that cannot be", () =>
    Effect.gen(function* () {
      const { disk, end, start } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.queue.submit({ job: "x" })
      yield* life.queue.submit({ job: "y" })
      yield* settle
      disk.fail()
      yield* end("x")
      const cancelled = yield* Effect.fork(Effect.either(life.queue.cancel({ job: "y" })))
      yield* TestClock.adjust("1 hour")
      assert.isTrue(Option.isSome(yield* Fiber.poll(cancelled)), "answers")
    })
  )

  it.scoped("a shorter rate limit does not cut a longer one short", () =>
    Effect.gen(function* () {
      const { end, log, start } = yield* makeQueueWorld({ maxConcurrent: 2 })
      const life = yield* start
      yield* life.queue.submit({ job: "x" })
      yield* life.queue.submit({ job: "y" })
      yield* settle
      yield* end("x", failure("x", "RateLimited", minutes(90)))
      yield* end("y", failure("y", "RateLimited"))
      yield* TestClock.adjust("80 minutes")
      assert.deepStrictEqual(log.length, 4)
    })
  )

  it.scoped("a schedule that throws does not keep the turn", () =>
    silent(
      Effect.gen(function* () {
        const { end, log, start } = yield* makeQueueWorld(
          {},
          {
            layer: HealingQueue.layerRetry(
              Schedule.whileInput(Schedule.spaced("1 second"), (error: ReviewError) => {
                throw new Error(`oops ${error.job}`)
              })
            )
          }
        )
        const life = yield* start
        yield* life.queue.submit({ job: "x" })
        yield* life.queue.submit({ job: "y" })
        yield* settle
        yield* end("x", failure("x"))
        yield* TestClock.adjust("1 day")
        assert.deepStrictEqual(log.at(-1), "y begins")
      })
    )
  )

  it.scoped("a logger that throws does not keep the turn", () =>
    Effect.gen(function* () {
      const { open, log, start } = yield* makeQueueWorld({ maxAttempts: 1 })
      const life = yield* start
      yield* life.queue.submit({ job: "x" })
      yield* life.queue.submit({ job: "y" })
      yield* settle
      yield* Deferred.die(first(open).end, new Error("boom"))
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(log.at(-1), "y begins")
    }).pipe(
      Effect.provide(
        Logger.replace(
          Logger.defaultLogger,
          Logger.make(() => {
            throw new Error("no disk for logs")
          })
        )
      )
    )
  )

  it.scoped("the message of a defect goes nowhere, not into the log either", () =>
    Effect.gen(function* () {
      const logs: Array<string> = []
      const logger = Logger.map(Logger.logfmtLogger, (line) => void logs.push(line))
      yield* Effect.gen(function* () {
        const { open, start } = yield* makeQueueWorld({ maxAttempts: 1 })
        const life = yield* start
        yield* life.queue.submit({ job: "x" })
        yield* settle
        yield* Deferred.die(first(open).end, new TypeError("token sk-secret"))
        yield* settle
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.notInclude(logs.join("\n"), "sk-secret")
    })
  )

  it.scoped("what submit has refused for the store's sake has no effect", () =>
    Effect.gen(function* () {
      const { disk, start, stored } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.openClaw.started("A")
      const caller = yield* healing(life, { job: "x", trigger: "failure" })
      disk.fail()
      yield* Effect.flip(life.queue.submit({ job: "x", note: "refused", priority: -1 }))
      disk.repair()
      const [request] = yield* life.queue.pending
      yield* caller.interrupt
      assert.deepInclude(request, { callersOnly: true, note: null, priority: -20 })
      assert.deepStrictEqual(yield* stored, ["x cancelled"])
    })
  )

  it.scoped(
    "the pending one on the screen is the one on disk after a refused wish, and in the memory after a crash",
    () =>
      Effect.gen(function* () {
        const { disk, start, sql } = yield* makeQueueWorld()
        const life = yield* start
        yield* life.openClaw.started("A")
        yield* life.queue.submit({ job: "x", trigger: "failure" })
        disk.fail()
        yield* Effect.flip(life.queue.submit({ job: "x" }))
        disk.repair()
        const [row] = yield* sql<{ priority: number }>`SELECT priority FROM healing_requests`
        assert.strictEqual((yield* life.queue.pending)[0]?.priority, row?.priority)
      })
  )

  it.scoped("with onMaxWait run, the retry of one that had to run waits for idleness again", () =>
    Effect.gen(function* () {
      const { end, log, start } = yield* makeQueueWorld({ onMaxWait: "run" })
      const life = yield* start
      yield* life.openClaw.started("A")
      const caller = yield* healing(life, { job: "x", maxWait: "1 minute" })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(log, ["x begins"])
      yield* end("x", failure("x"))
      yield* TestClock.adjust("30 seconds")
      void caller
      assert.deepStrictEqual(log.length, 2, "a job runs")
    })
  )

  it.scoped("a row of the queue's state that no longer decodes keeps nobody from starting", () =>
    silent(
      Effect.gen(function* () {
        const { sql, start } = yield* makeQueueWorld()
        const life = yield* start
        yield* life.queue.pause
        yield* life.stop
        yield* sql`UPDATE healing_queue SET rate_limited_until = 1.5`
        yield* start
      })
    )
  )

  it.scoped("StoreRecovered comes when the store can be written again", () =>
    Effect.gen(function* () {
      const { disk, events, start } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.openClaw.started("A")
      yield* life.queue.submit({ job: "x" })
      disk.fail()
      yield* life.openClaw.finished("A")
      yield* settle
      assert.strictEqual(events.filter(({ _tag }) => _tag === "StoreFailing").length, 1)
      disk.repair()
      yield* life.queue.cancel({ job: "x" })
      yield* TestClock.adjust("1 hour")
      yield* life.openClaw.started("A")
      yield* life.queue.submit({ job: "z" })
      yield* settle
      assert.strictEqual(events.filter(({ _tag }) => _tag === "StoreRecovered").length, 1)
    })
  )

  it.scoped("a review that fails with something else is no endless loop", () =>
    Effect.gen(function* () {
      let count = 0
      const queue = yield* withReviewer(() =>
        Effect.suspend(() =>
          ++count > 100 ? Effect.never : Effect.fail(new Error("not a ReviewError") as ReviewError)
        )
      )
      yield* queue.submit({ job: "x" })
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.isBelow(count, 5)
    })
  )

  it.scoped("the span of a review is no child of the span in which the layer was built", () =>
    Effect.gen(function* () {
      let parent: string | undefined
      const queue = yield* withReviewer(() =>
        Effect.flatMap(Effect.currentSpan.pipe(Effect.orDie), (span) => {
          parent = Option.match(span.parent, { onNone: () => "none", onSome: ({ spanId }) => spanId })
          return Effect.succeed(Reviewed.Completed({ report: { summary: "ok" } }))
        })
      ).pipe(Effect.withSpan("boot"))
      yield* queue.submit({ job: "x" })
      yield* settle
      assert.strictEqual(parent, "none")
    })
  )

  it.scoped("a pause that was refused does not pause", () =>
    Effect.gen(function* () {
      const { disk, end, log, start } = yield* makeQueueWorld()
      const life = yield* start
      yield* life.queue.submit({ job: "x" })
      yield* settle
      const latch = yield* Effect.makeLatch(false)
      disk.before = latch.await
      const paused = yield* Effect.fork(Effect.either(life.queue.pause))
      yield* settle
      yield* end("x", failure("x", "RateLimited"))
      disk.fail()
      yield* latch.open
      yield* settle
      assert.strictEqual((yield* Fiber.join(paused))._tag, "Left")
      disk.repair()
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual((yield* life.healing.status.get).holds, [])
      assert.strictEqual(log.at(-1), "x begins")
    })
  )

  it.scoped("a heal that was refused by the store while joined: the caller is told", () =>
    Effect.gen(function* () {
      const { disk, start } = yield* makeQueueWorld({ maxWait: "1 hour" })
      const life = yield* start
      yield* life.openClaw.started("A")
      yield* life.queue.submit({ job: "x" })
      disk.fail()
      const caller = yield* healing(life, { job: "x", note: "urgent" })
      yield* TestClock.adjust("1 minute")
      assert.isTrue(yield* caller.hasEnded)
    })
  )

  it.scoped("names that no database gives back as they were are refused", () =>
    Effect.gen(function* () {
      const { start } = yield* makeQueueWorld()
      const { queue } = yield* start
      for (const half of [{ job: "a\ud800" }, { job: "a", note: "\udc00" }, { job: "a", runId: "\ud800" }]) {
        assert.strictEqual((yield* Effect.flip(queue.submit(half)))._tag, "HealingInvalid")
      }
      yield* queue.submit({ job: "a\u{1F600}" })
    })
  )
})

describe("a review that ignores its interruption", () => {
  const logged = () => {
    const said: Array<string> = []
    const logger = Logger.make(({ message }) => void said.push(String(message)))
    return { said, layer: Logger.replace(Logger.defaultLogger, logger) }
  }

  const stubborn = (settings: HealingSettingsInput) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const letGo = yield* Effect.makeLatch(false)
      const ReviewerLive = Layer.succeed(Reviewer, {
        review: () =>
          Effect.as(Effect.uninterruptible(letGo.await), Reviewed.Completed({ report: { summary: "late" } }))
      })
      const layer = Healing.layerSqlite({ filename: ":memory:", settings: { quietPeriod: 0, ...settings } })
      const context = yield* Layer.buildWithScope(Layer.provide(layer, [ReviewerLive, NodeContext.layer]), scope)
      return { queue: Context.get(context, HealingQueue), letGo, close: Scope.close(scope, Exit.void) }
    })

  it.scoped("is named when it keeps its turn after its timeout, once", () => {
    const { layer, said } = logged()
    return Effect.gen(function* () {
      const { close, letGo, queue } = yield* stubborn({ reviewTimeout: "1 minute", maxAttempts: 1 })
      yield* queue.submit({ job: "x" })
      yield* settle
      yield* TestClock.adjust("69 seconds")
      assert.deepStrictEqual(said, [])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(said, [
        'The review of "x" has ignored its interruption for 10s, after the 1m of review_timeout: it keeps its turn until it ends. ' +
          "If it does not, restart this process"
      ])
      yield* letGo.open
      yield* settle
      assert.deepStrictEqual(yield* queue.pending, [])
      yield* close
    }).pipe(Effect.provide(layer))
  })

  it.scoped("does not block the end for longer than shutdownTimeout, and is named", () => {
    const { layer, said } = logged()
    return Effect.gen(function* () {
      const { close, queue } = yield* stubborn({ shutdownTimeout: "4 seconds" })
      yield* queue.submit({ job: "x" })
      yield* queue.submit({ job: "y" })
      yield* settle
      const closed = yield* Effect.fork(close)
      yield* TestClock.adjust("3999 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(closed)))
      yield* TestClock.adjust("1 milli")
      yield* Fiber.join(closed)
      assert.deepStrictEqual(said, [
        'the database in memory is closed: the review of "x" is interrupted; 1 request waits',
        'The review of "x" ignores its interruption, for 4s by now (shutdown_timeout): nobody waits for it any more, and it is done again at the next start'
      ])
    }).pipe(Effect.provide(layer))
  })
})

describe("a wish that cannot be written", () => {
  it.scoped("fails at once, also if its request is cancelled before it is written", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      const life = yield* world.start
      yield* life.openClaw.started("job")
      yield* life.queue.submit({ job: "x" })
      world.disk.fail()
      const heal = yield* Effect.fork(life.queue.heal({ job: "x" }))
      const cancel = yield* Effect.fork(Effect.ignore(life.queue.cancel({ job: "x" })))
      yield* settle
      assert.strictEqual((yield* Effect.flip(Fiber.join(heal)))._tag, "HealingStoreError")
      yield* Fiber.join(cancel)
      world.disk.repair()
    }).pipe(silent)
  )
})
