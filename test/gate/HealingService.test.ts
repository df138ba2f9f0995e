import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  FiberRef,
  HashMap,
  Layer,
  Logger,
  Metric,
  MetricState,
  Option,
  Ref,
  Runtime,
  Schedule,
  Scope,
  Stream,
  TestClock,
  Tracer
} from "effect"
import { Healing, HealingClosed, HealingService, HealingTimeout, OpenClaw } from "effect-healing"
import { changeClock } from "../support/changeClock.js"
import { makeGate, settle } from "../support/gateWorld.js"
import { beforeOp } from "../support/interruptBeforeOp.js"

describe("the scenario", () => {
  it.scoped("jobs go first, then one review after the other", () =>
    Effect.gen(function* () {
      const { healing, log, openClaw, review } = yield* makeGate()
      yield* openClaw.started("A")
      const x = yield* review("X")
      yield* openClaw.finished("A")
      yield* TestClock.adjust("999 millis")
      yield* openClaw.started("B")
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(log, [], "X waits for A, and in the gap before B")
      yield* openClaw.finished("B")
      yield* TestClock.adjust("1 second")
      const y = yield* review("Y")
      assert.deepStrictEqual(log, ["X begins"])
      assert.deepStrictEqual((yield* healing.status.get).heldBy, [{ _tag: "Turn", reviews: ["X"] }])
      yield* x.finish
      yield* y.finish
      assert.deepStrictEqual(log, ["X begins", "X ends", "Y begins", "Y ends"])
    })
  )
})

describe("R1 one at a time", () => {
  it.scoped("maxConcurrent reviews run at once, and no more", () =>
    Effect.gen(function* () {
      const { log, review } = yield* makeGate({ maxConcurrent: 2 })
      const x = yield* review("X")
      yield* review("Y")
      yield* review("Z")
      assert.deepStrictEqual(log, ["X begins", "Y begins"])
      yield* x.finish
      assert.deepStrictEqual(log, ["X begins", "Y begins", "X ends", "Z begins"])
    })
  )
})

describe("R2 jobs first", () => {
  it.scoped("the quiet period starts anew with each job, however short", () =>
    Effect.gen(function* () {
      const { log, openClaw, review } = yield* makeGate()
      yield* openClaw.started("A")
      yield* openClaw.finished("A")
      yield* review("X")
      yield* TestClock.adjust("999 millis")
      yield* openClaw.withJob("B")(Effect.void)
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(log, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(log, ["X begins"])
    })
  )

  for (const [what, reports] of [
    ["starts", ["started"]],
    ["starts and ends", ["started", "finished"]]
  ] as const) {
    it.scoped(`a job that ${what} between grant and review is seen by the last check`, () =>
      Effect.gen(function* () {
        const ops = { betweenGrantAndCheck: 0, afterCheck: 0 }
        const runSync = Runtime.runSync(yield* Effect.runtime())
        for (let op = 1; op <= 150; op++) {
          const { healing, log, openClaw } = yield* makeGate()
          let granted = false
          const report = () => {
            granted = log.length === 0 && runSync(healing.status.get).running.length > 0
            for (const report of granted ? reports : []) runSync(openClaw[report]("A"))
          }
          const fiber = yield* Effect.sync(() => log.push("X begins")).pipe(
            healing.run("X"),
            beforeOp(op, report, "go on"),
            Effect.fork
          )
          yield* settle
          if (granted && log.length > 0) ops.afterCheck++
          if (granted && log.length === 0) {
            ops.betweenGrantAndCheck++
            const { line } = yield* healing.status.get
            assert.deepStrictEqual(
              line.map(({ job }) => job),
              ["X"],
              "it keeps its place"
            )
            if (reports.length === 1) yield* openClaw.finished("A")
            yield* TestClock.adjust("1 second")
          }
          yield* Fiber.join(fiber)
        }
        assert.isAbove(ops.betweenGrantAndCheck, 5)
        assert.strictEqual(ops.afterCheck, 1, "nothing stands between the check and the review")
      })
    )
  }

  it.scoped("an old idle that is read late starts nothing", () =>
    Effect.gen(function* () {
      const { log, openClaw, review } = yield* makeGate({ quietPeriod: 0 })
      yield* openClaw.started("A")
      yield* review("X")
      yield* openClaw.finished("A")
      yield* openClaw.started("B")
      yield* settle
      assert.deepStrictEqual(log, [])
    })
  )

  it.scoped("a jump of the wall clock is no quiet period", () =>
    Effect.gen(function* () {
      let jump = 0
      const clock = yield* Effect.clock
      const jumping = changeClock(clock, {
        unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + jump,
        currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + jump)
      })
      const { log, openClaw, review } = yield* Effect.withClock(makeGate(), jumping)
      yield* openClaw.started("A")
      yield* openClaw.finished("A")
      jump = Duration.toMillis("1 day")
      yield* review("X")
      assert.deepStrictEqual(log, [])
    })
  )
})

describe("R3 healing never blocks jobs", () => {
  it.scoped("reports go through while healings wait and run", () =>
    Effect.gen(function* () {
      const { healing, openClaw, review } = yield* makeGate()
      yield* review("X")
      yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.fork(healing.run("Y")(Effect.void)))
      yield* openClaw.started("A")
      yield* openClaw.finished("A")
      assert.strictEqual((yield* openClaw.running.get).started, 1)
    })
  )
})

describe("R4 no lost wake-up", () => {
  it.scoped("the next review starts when a turn comes back, a job ends, or a source becomes known", () =>
    Effect.gen(function* () {
      const { log, openClaw, review } = yield* makeGate({ quietPeriod: 0 })
      const source = yield* openClaw.source("adapter")
      const x = yield* review("X")
      const y = yield* review("Y")
      yield* source.replace(["A"])
      yield* source.finished("A")
      yield* settle
      yield* x.finish
      yield* y.finish
      assert.deepStrictEqual(log, ["X begins", "X ends", "Y begins", "Y ends"])
    })
  )
})

describe("R5 order", () => {
  it.scoped("priority, then the order of the calls; a newcomer does not barge in", () =>
    Effect.gen(function* () {
      const { log, openClaw, review } = yield* makeGate({ quietPeriod: 0 })
      const first = yield* review("first")
      const low = yield* review("low", { priority: -20 })
      const one = yield* review("one")
      const gone = yield* review("gone")
      const two = yield* review("two")
      const high = yield* review("high", { priority: -1 })
      yield* gone.interrupt
      yield* openClaw.started("A")
      yield* first.finish
      yield* openClaw.finished("A")
      // Without letting the gate run in between.
      const late = yield* review("late")
      for (const healing of [high, one, two, late, low]) yield* healing.finish
      assert.deepStrictEqual(
        log.filter((entry) => entry.endsWith("begins")),
        ["first begins", "high begins", "one begins", "two begins", "late begins", "low begins"]
      )
    })
  )

  it.scoped("the holder that comes again at once does not overtake those who wait", () =>
    Effect.gen(function* () {
      const { healing, log } = yield* makeGate()
      const once = (job: string) =>
        healing.run(job)(
          Effect.zipRight(
            Effect.yieldNow(),
            Effect.sync(() => log.push(job))
          )
        )
      yield* Effect.all([Effect.repeatN(once("greedy"), 2), once("modest"), once("meek")], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(log, ["greedy", "modest", "meek", "greedy", "greedy"])
    })
  )
})

describe("R6 max wait", () => {
  it.scoped("fails then, and says what held it up", () =>
    Effect.gen(function* () {
      const { openClaw, review } = yield* makeGate()
      yield* openClaw.started("A")
      yield* review("W", { maxWait: Duration.infinity })
      const x = yield* review("X", { maxWait: "10 seconds" })
      yield* TestClock.adjust("9999 millis")
      assert.isFalse(yield* x.hasEnded)
      yield* TestClock.adjust("1 millis")
      const error = yield* x.error
      assert.deepStrictEqual(
        error,
        new HealingTimeout({
          job: "X",
          waited: Duration.seconds(10),
          heldBy: [{ _tag: "Jobs", jobs: ["A"] }],
          ahead: 1
        })
      )
      assert.include(error.message, '"X" had no turn in 10s (1 ahead of it). Held up by OpenClaw jobs running: A')
    })
  )

  it.scoped("names an unknown source, the quiet period, a turn and a switched-off service", () =>
    Effect.gen(function* () {
      const gate = yield* makeGate()
      const now = { maxWait: 0 }
      const source = yield* gate.openClaw.source("pm2")
      const unknown = yield* (yield* gate.review("X", now)).error
      assert.deepStrictEqual(unknown._tag === "HealingTimeout" && unknown.heldBy, [
        { _tag: "UnknownSources", sources: [{ name: "pm2", reason: "it has not reported yet" }] }
      ])
      yield* source.replace([])
      const quiet = yield* (yield* gate.review("X", now)).error
      assert.deepStrictEqual(quiet._tag === "HealingTimeout" && quiet.heldBy, [
        { _tag: "QuietPeriod", remaining: Duration.seconds(1) }
      ])
      yield* TestClock.adjust("1 second")
      yield* gate.review("Y")
      const turn = yield* (yield* gate.review("X", now)).error
      assert.deepStrictEqual(turn._tag === "HealingTimeout" && turn.heldBy, [{ _tag: "Turn", reviews: ["Y"] }])

      const off = yield* makeGate({ enabled: false, onMaxWait: "run" })
      const disabled = yield* (yield* off.review("X", now)).error
      assert.deepStrictEqual(disabled._tag === "HealingTimeout" && disabled.heldBy, [{ _tag: "Disabled" }])
    })
  )

  it.scoped("a deadline in the very instant of the grant loses", () =>
    Effect.gen(function* () {
      const { log, openClaw, review } = yield* makeGate({ quietPeriod: "2 seconds" })
      yield* openClaw.started("A")
      const x = yield* review("X", { maxWait: "5 seconds" })
      yield* TestClock.adjust("3 seconds")
      yield* openClaw.finished("A")
      yield* TestClock.adjust("2 seconds")
      yield* x.finish
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(log, ["X begins", "X ends"])
      yield* Fiber.join(x.fiber)
    })
  )

  it.scoped("0 means now or not at all", () =>
    Effect.gen(function* () {
      const { healing } = yield* makeGate()
      const now = healing.run("X", { maxWait: 0 })
      assert.strictEqual(yield* now(Effect.succeed(1)), 1)
      assert.strictEqual(yield* now(Effect.succeed(2)), 2, "the turn of the one before is free at once")
    })
  )

  it.scoped("onMaxWait run: first for the next free turn, jobs or not", () =>
    Effect.gen(function* () {
      const { log, openClaw, review } = yield* makeGate({ onMaxWait: "run", onJobStart: "yield" })
      yield* openClaw.started("A")
      const x = yield* review("X", { priority: -1 })
      const y = yield* review("Y", { priority: -30, maxWait: "1 second" })
      yield* TestClock.adjust("1 second")
      yield* openClaw.started("B")
      yield* settle
      assert.deepStrictEqual(log, ["Y begins"])
      yield* y.finish
      assert.deepStrictEqual(log, ["Y begins", "Y ends"])
      yield* TestClock.adjust("5 minutes")
      yield* x.finish
      assert.deepStrictEqual(log, ["Y begins", "Y ends", "X begins", "X ends"])
    })
  )

  it.scoped("a hundred deadlines and more at one instant all pass", () =>
    Effect.gen(function* () {
      const { healing, openClaw } = yield* makeGate()
      yield* openClaw.started("A")
      const fibers = yield* Effect.forEach(Array.from({ length: 250 }), () =>
        Effect.fork(Effect.flip(healing.run("X", { maxWait: "1 second" })(Effect.void)))
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll(fibers)
      assert.strictEqual((yield* healing.status.get).waiting, 0)
    })
  )

  it.scoped("waits longer than a JavaScript timer can", () =>
    Effect.gen(function* () {
      const clock = yield* Effect.clock
      const asInJavaScript = changeClock(clock, {
        sleep: (duration) => (Duration.toMillis(duration) > 2 ** 31 - 1 ? Effect.never : clock.sleep(duration))
      })
      const { openClaw, review } = yield* Effect.withClock(makeGate(), asInJavaScript)
      yield* openClaw.started("A")
      const x = yield* review("X", { maxWait: "60 days" })
      yield* TestClock.adjust("59 days")
      assert.isFalse(yield* x.hasEnded)
      yield* TestClock.adjust("1 day")
      assert.strictEqual((yield* x.error)._tag, "HealingTimeout")
    })
  )
})

describe("R7 interruption, R8 a turn always comes back", () => {
  it.scoped("run ends only when the review's finalizer has", () =>
    Effect.gen(function* () {
      for (const onJobStart of ["continue", "yield"] as const) {
        const { healing } = yield* makeGate({ onJobStart })
        const mayEnd = yield* Deferred.make<void>()
        const fiber = yield* Effect.never.pipe(Effect.ensuring(Deferred.await(mayEnd)), healing.run("X"), Effect.fork)
        yield* settle
        const interrupting = yield* Effect.fork(Fiber.interrupt(fiber))
        yield* settle
        assert.strictEqual((yield* healing.status.get).running.length, 1)
        assert.isTrue(Option.isNone(yield* Fiber.poll(interrupting)))
        yield* Deferred.succeed(mayEnd, undefined)
        assert.isTrue(Exit.isInterrupted(yield* Fiber.join(interrupting)))
        assert.strictEqual((yield* healing.status.get).running.length, 0)
      }
    })
  )

  it.scoped("whether the review succeeds, fails, dies or is interrupted", () =>
    Effect.gen(function* () {
      for (const onJobStart of ["continue", "yield"] as const) {
        const { healing } = yield* makeGate({ onJobStart })
        const run = healing.run("X", { maxWait: 0 })
        assert.deepStrictEqual(yield* Effect.exit(run(Effect.succeed(1))), Exit.succeed(1))
        assert.deepStrictEqual(yield* Effect.exit(run(Effect.fail("no"))), Exit.fail("no"))
        assert.deepStrictEqual(yield* Effect.exit(run(Effect.die("ouch"))), Exit.die("ouch"))
        assert.isTrue(Exit.isInterrupted(yield* Effect.exit(run(Effect.interrupt))))
        assert.strictEqual(yield* run(Effect.succeed(2)), 2)
      }
    })
  )
})

describe("R9 no deadlock", () => {
  it.scoped("inside of a job or a review it fails at once, and names it", () =>
    Effect.gen(function* () {
      const { healing, openClaw } = yield* makeGate({ maxConcurrent: 2 })
      const inner = Effect.flip(healing.run("X")(Effect.void)).pipe(
        Effect.map((error) => (error._tag === "HealingDeadlock" ? [error.job, error.inside, error.outer] : error))
      )
      assert.deepStrictEqual(yield* openClaw.withJob("A")(inner), ["X", "job", "A"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* healing.run("Y")(inner), ["X", "review", "Y"])
      assert.deepStrictEqual(yield* healing.run("Y")(Effect.flatMap(Effect.fork(inner), Fiber.join)), [
        "X",
        "review",
        "Y"
      ])
    })
  )

  it.scoped("not inside of a job of another queue", () =>
    Effect.gen(function* () {
      const { healing, openClaw } = yield* makeGate()
      assert.strictEqual(yield* openClaw.withJob("A", "another")(healing.run("X")(Effect.succeed(1))), 1)
    })
  )

  it.scoped("a context that was captured elsewhere does not hide where the caller is", () =>
    Effect.gen(function* () {
      const { healing, openClaw } = yield* makeGate({ quietPeriod: 0 })
      const captured = yield* openClaw.withJob("boot", "another")(Effect.context<never>())
      const nested = Effect.flip(healing.run("X")(Effect.void)).pipe(Effect.provide(captured))
      assert.strictEqual((yield* healing.run("Y")(nested))._tag, "HealingDeadlock")
    })
  )

  it.scoped("a mark that has outlived its job or its review is void", () =>
    Effect.gen(function* () {
      const { healing, openClaw } = yield* makeGate({ quietPeriod: 0 })
      const later = yield* Deferred.make<void>()
      const daemon = Deferred.await(later).pipe(Effect.zipRight(healing.run("X")(Effect.succeed(1))), Effect.forkDaemon)
      const afterJob = yield* openClaw.withJob("A")(daemon)
      const afterReview = yield* healing.run("Y")(daemon)
      yield* Deferred.succeed(later, undefined)
      assert.strictEqual(yield* Fiber.join(afterJob), 1)
      assert.strictEqual(yield* Fiber.join(afterReview), 1)
    })
  )

  it.scoped("detached is outside", () =>
    Effect.gen(function* () {
      const { healing, openClaw } = yield* makeGate({ quietPeriod: 0 })
      const daemon = yield* openClaw.withJob("A")(
        Effect.forkDaemon(healing.detached(healing.run("X")(Effect.succeed(1))))
      )
      assert.strictEqual(yield* Fiber.join(daemon), 1)
    })
  )
})

describe("R10 yielding", () => {
  it.scoped("a job that starts interrupts the review, which waits again at its old place", () =>
    Effect.gen(function* () {
      const { healing, log, openClaw, review } = yield* makeGate({ onJobStart: "yield", maxWait: "1 minute" })
      const x = yield* review("X")
      const y = yield* review("Y", { maxWait: Duration.infinity })
      yield* openClaw.started("A")
      yield* settle
      assert.deepStrictEqual(log, ["X begins", "X fails"])
      assert.deepStrictEqual(
        (yield* healing.status.get).line.map(({ job, yields }) => [job, yields]),
        [
          ["X", 1],
          ["Y", 0]
        ]
      )
      yield* TestClock.adjust("1 hour")
      yield* openClaw.finished("A")
      yield* TestClock.adjust("1 second")
      yield* x.finish
      yield* y.finish
      assert.deepStrictEqual(log.slice(2), ["X begins", "X ends", "Y begins", "Y ends"])
    })
  )

  it.scoped("one who has yielded goes before those who came later, whatever op the gate is at", () =>
    Effect.gen(function* () {
      let yields = 0
      for (let op = 1; op <= 250; op++) {
        const { healing, openClaw } = yield* makeGate({ onJobStart: "yield", maxYields: 1, quietPeriod: 0 })
        const began: Array<string> = []
        const begin = (job: string) => Effect.sync(() => began.push(job))
        const x = yield* Effect.zipRight(begin("X"), Effect.repeatN(Effect.yieldNow(), 20)).pipe(
          healing.run("X"),
          beforeOp(op, () => {}, "yield"),
          Effect.fork
        )
        yield* Effect.repeatN(Effect.yieldNow(), 2)
        const y = yield* Effect.fork(healing.run("Y")(begin("Y")))
        yield* Effect.repeatN(Effect.yieldNow(), 6)
        yield* openClaw.withJob("A")(Effect.void)
        yield* Fiber.join(x)
        yield* Fiber.join(y)
        if (began.length === 3) yields++
        assert.strictEqual(began.at(-1), "Y", `yielding before op ${op}: ${began.join(", ")}`)
      }
      assert.isAbove(yields, 10)
    })
  )

  it.scoped("a source that turns unknown interrupts nothing, one that names a new job does", () =>
    Effect.gen(function* () {
      const { log, openClaw, review } = yield* makeGate({ onJobStart: "yield" })
      yield* review("X")
      const source = yield* openClaw.source("pm2")
      yield* source.replace([])
      yield* source.unknown("lost")
      yield* settle
      assert.deepStrictEqual(log, ["X begins"])
      yield* source.replace(["A"])
      yield* settle
      assert.deepStrictEqual(log, ["X begins", "X fails"])
    })
  )

  it.scoped("after maxYields it runs to its end", () =>
    Effect.gen(function* () {
      const { log, openClaw, review } = yield* makeGate({ onJobStart: "yield", maxYields: 1, quietPeriod: 0 })
      const x = yield* review("X")
      for (let i = 0; i < 3; i++) {
        yield* openClaw.withJob("A")(Effect.void)
        yield* settle
      }
      yield* x.finish
      assert.deepStrictEqual(log, ["X begins", "X fails", "X begins", "X ends"])
    })
  )

  it.scoped("a review that has ended first keeps its result", () =>
    Effect.gen(function* () {
      const { healing, openClaw } = yield* makeGate({ onJobStart: "yield" })
      assert.strictEqual(yield* healing.run("X")(Effect.as(openClaw.started("A"), "done")), "done")
    })
  )

  it.scoped("a defect of its finalizer is not lost in the yield", () =>
    Effect.gen(function* () {
      const { healing, openClaw } = yield* makeGate({ onJobStart: "yield" })
      const fiber = yield* Effect.never.pipe(Effect.ensuring(Effect.die("ouch")), healing.run("X"), Effect.fork)
      yield* settle
      yield* openClaw.started("A")
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.dieOption(exit.cause)._tag === "Some")
    })
  )
})

describe("R11 closing", () => {
  it.scoped("a line of waiters and later callers fail, a running review is its caller's", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message }) => logged.push(message))
      const { healing, review } = yield* Scope.extend(makeGate(), scope).pipe(
        Effect.provide(Logger.replace(Logger.defaultLogger, logger))
      )
      const x = yield* review("X")
      const y = yield* review("Y")
      const z = yield* review("Z", { maxWait: Duration.infinity })
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(logged, [], "a close is not a fault")
      assert.deepStrictEqual(yield* y.error, new HealingClosed({ job: "Y" }))
      assert.deepStrictEqual(yield* z.error, new HealingClosed({ job: "Z" }))
      assert.deepStrictEqual(yield* (yield* review("late")).error, new HealingClosed({ job: "late" }))
      yield* x.finish
      yield* Fiber.join(x.fiber)
      assert.strictEqual((yield* healing.status.get).running.length, 0)
    })
  )
})

describe("R12 no polling", () => {
  it.scoped("waiters without deadlines sleep on nothing; one timer serves all who have one", () =>
    Effect.gen(function* () {
      const clock = yield* Effect.clock
      const sleeping = new Set<number>()
      // `TestClock.sleeps` also lists those that were interrupted.
      const counting = changeClock(clock, {
        sleep: (duration) =>
          Effect.acquireUseRelease(
            Effect.sync(() => {
              const until = clock.unsafeCurrentTimeMillis() + Duration.toMillis(duration)
              sleeping.add(until)
              return until
            }),
            () => clock.sleep(duration),
            (until) => Effect.sync(() => sleeping.delete(until))
          )
      })
      const { openClaw, review } = yield* Effect.withClock(makeGate({ maxWait: Duration.infinity }), counting)
      const asleep = Effect.sync(() => Array.from(sleeping))
      yield* openClaw.started("A")
      const all = yield* Effect.forEach(["X", "Y", "Z"], (job) => review(job))
      assert.deepStrictEqual(yield* asleep, [])
      yield* openClaw.finished("A")
      yield* settle
      assert.deepStrictEqual(yield* asleep, [1000], "the quiet period")
      yield* openClaw.started("B")
      yield* settle
      assert.deepStrictEqual(yield* asleep, [], "no quiet period while a job runs")
      const late = yield* review("late", { maxWait: "1 hour" })
      yield* review("soon", { maxWait: "1 minute" })
      assert.deepStrictEqual(yield* asleep, [60_000])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* asleep, [3_600_000])
      yield* late.interrupt
      assert.deepStrictEqual(yield* asleep, [])
      yield* Effect.forEach(all, ({ interrupt }) => interrupt)
    })
  )
})

describe("R16 unknown is busy", () => {
  it.scoped("from its making until its first replace, and when it says so", () =>
    Effect.gen(function* () {
      const { log, openClaw, review } = yield* makeGate({ quietPeriod: 0 })
      const source = yield* openClaw.source("pm2")
      const x = yield* review("X")
      assert.deepStrictEqual(log, [])
      yield* source.replace([])
      yield* x.finish
      yield* source.unknown("lost its daemon")
      yield* review("Y")
      assert.deepStrictEqual(log, ["X begins", "X ends"])
      yield* source.replace([])
      yield* settle
      assert.deepStrictEqual(log, ["X begins", "X ends", "Y begins"])
    })
  )
})

describe("it composes", () => {
  const modes = ["continue", "yield"] as const

  for (const onJobStart of modes) {
    describe(onJobStart, () => {
      it.scoped("with timeout, race, retry and all", () =>
        Effect.gen(function* () {
          const { healing, openClaw, review } = yield* makeGate({ onJobStart, quietPeriod: 0 })
          yield* openClaw.started("A")
          const timedOut = yield* Effect.fork(Effect.timeoutOption(healing.run("X")(Effect.void), "1 second"))
          const raced = yield* Effect.fork(Effect.race(healing.run("Y")(Effect.void), Effect.sleep("2 seconds")))
          const retried = yield* healing
            .run("Z", { maxWait: "1 second" })(Effect.succeed("got it"))
            .pipe(
              Effect.retry({
                while: (error) => error._tag === "HealingTimeout",
                schedule: Schedule.recurs(5)
              }),
              Effect.fork
            )
          yield* TestClock.adjust("3 seconds")
          assert.deepStrictEqual(yield* Fiber.join(timedOut), Option.none())
          yield* Fiber.join(raced)
          yield* openClaw.finished("A")
          assert.strictEqual(yield* Fiber.join(retried), "got it")
          assert.deepStrictEqual(
            yield* Effect.all([healing.run("X")(Effect.succeed(1)), healing.run("Y")(Effect.succeed(2))], {
              concurrency: "unbounded"
            }),
            [1, 2]
          )
          assert.strictEqual((yield* healing.status.get).waiting, 0)
          yield* (yield* review("W")).finish
        })
      )

      it.scoped("with the caller's services, scope, fiber refs and spans", () =>
        Effect.gen(function* () {
          const { healing } = yield* makeGate({ onJobStart })
          const ref = FiberRef.unsafeMake("before")
          const released = yield* Ref.make(false)
          const parent = yield* Effect.scoped(
            Effect.gen(function* () {
              const parent = yield* healing.run("X")(
                Effect.gen(function* () {
                  yield* FiberRef.set(ref, "set in the review")
                  yield* Effect.addFinalizer(() => Ref.set(released, true))
                  return yield* Effect.currentParentSpan
                })
              )
              assert.isFalse(yield* released, "what a review adds to its caller's scope stays there")
              return parent
            })
          ).pipe(Effect.withSpan("caller"))
          assert.isTrue(yield* released)
          assert.strictEqual(yield* FiberRef.get(ref), "set in the review")
          assert.strictEqual(parent._tag === "Span" && parent.name, "HealingService.run")
          assert.strictEqual(
            parent._tag === "Span" &&
              Option.map(parent.parent, (span) => span._tag === "Span" && span.name).pipe(Option.getOrUndefined),
            "caller"
          )
          const failed = healing.run("X")(Effect.zipRight(FiberRef.set(ref, "set before it failed"), Effect.fail("no")))
          yield* Effect.flip(failed)
          assert.strictEqual(yield* FiberRef.get(ref), "set before it failed")
        })
      )
    })
  }

  it.scoped("a bad option is a defect that names it", () =>
    Effect.gen(function* () {
      const { healing } = yield* makeGate()
      const exit = yield* Effect.exit(healing.run("X", { priority: 0, maxWait: "-1 seconds" })(Effect.void))
      const defect = Exit.isFailure(exit) ? Option.getOrThrow(Cause.dieOption(exit.cause)) : undefined
      assert.match(String(defect), /priority .*expected a number below 0.*found 0/)
      assert.match(String(defect), /maxWait .*found .*-1 seconds/)
    })
  )
})

describe("what it tells", () => {
  it.scoped("status holds the first 100 who wait, and emits the latest after each change", () =>
    Effect.gen(function* () {
      const { healing, openClaw, review } = yield* makeGate()
      yield* openClaw.started("A")
      yield* Effect.forEach(
        Array.from({ length: 150 }, (_, i) => `job ${i}`),
        (job) => Effect.fork(healing.run(job)(Effect.void))
      )
      yield* TestClock.adjust("1 second")
      const status = yield* healing.status.get
      assert.strictEqual(status.waiting, 150)
      assert.strictEqual(status.line.length, 100)
      assert.deepStrictEqual(status.line[99], {
        job: "job 99",
        priority: -10,
        waited: Duration.seconds(1),
        yields: 0
      })
      const seen = yield* Ref.make<ReadonlyArray<number>>([])
      yield* healing.status.changes.pipe(
        Stream.runForEach(({ waiting }) => Ref.update(seen, (all) => [...all, waiting])),
        Effect.forkScoped
      )
      yield* settle
      const last = yield* review("last")
      yield* last.interrupt
      assert.deepStrictEqual(Array.from(new Set(yield* seen)), [150, 151])
      assert.strictEqual((yield* seen).at(-1), 150)
    })
  )

  it.scoped("a span for each turn, with the wait as an attribute", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.Span> = []
      const tracer = yield* Effect.tracer
      const recording = Tracer.make({
        ...tracer,
        span: (...args) => {
          const span = tracer.span(...args)
          spans.push(span)
          return span
        },
        context: (f, fiber) => tracer.context(f, fiber)
      })
      const { healing, openClaw } = yield* makeGate({ onJobStart: "yield" })
      yield* openClaw.started("A")
      const turn = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(
        Effect.withTracer(
          healing.run("X")(Effect.zipRight(Deferred.succeed(turn, undefined), Effect.sleep("1 second"))),
          recording
        )
      )
      yield* settle
      yield* openClaw.finished("A")
      yield* TestClock.adjust("1 second")
      yield* Deferred.await(turn)
      yield* openClaw.withJob("B")(settle)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        spans.map(({ attributes, name, status }) => [
          name,
          attributes.get("healing.job"),
          attributes.get("healing.wait_ms"),
          attributes.get("healing.yielded"),
          status._tag
        ]),
        [
          ["HealingService.run", "X", 1000, true, "Ended"],
          ["HealingService.run", "X", 1000, undefined, "Ended"]
        ]
      )
    })
  )

  it.scoped("metrics and log annotations", () =>
    Effect.gen(function* () {
      const queue = "metrics of this test"
      const read = (name: string) =>
        Effect.map(Metric.snapshot, (pairs) => {
          const pair = pairs.find(
            ({ metricKey }) => metricKey.name === name && metricKey.tags.some((tag) => tag.value === queue)
          )
          return pair?.metricState
        })
      const hasGauge = Effect.fn(function* (name: string, value: number) {
        const state = yield* read(name)
        assert.isTrue(MetricState.isGaugeState(state) && state.value === value, name)
      })
      const hasCount = Effect.fn(function* (name: string, count: number) {
        const state = yield* read(name)
        assert.isTrue(
          (MetricState.isCounterState(state) || MetricState.isHistogramState(state)) && state.count === count,
          name
        )
      })
      const { healing, openClaw, review } = yield* makeGate({ queue, onJobStart: "yield" })
      const x = yield* review("X")
      yield* review("Y", { maxWait: "1 second" })
      yield* hasGauge("healing_waiting", 1)
      yield* hasGauge("healing_running", 1)
      yield* TestClock.adjust("1 second")
      yield* hasCount("healing_timeouts", 1)
      yield* openClaw.withJob("A")(settle)
      yield* hasCount("healing_yields", 1)
      yield* TestClock.adjust("1 second")
      yield* x.finish
      yield* hasCount("healing_wait_seconds", 1)
      yield* hasCount("healing_run_seconds", 2)
      const annotations: Array<unknown> = []
      const logger = Logger.make((options) => annotations.push(...HashMap.toEntries(options.annotations)))
      yield* healing
        .run("X")(Effect.log("looking"))
        .pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.deepStrictEqual(annotations, [["healing.job", "X"]])
    })
  )

  it.scoped("a job that holds the line up for over an hour is logged by name, once", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.make(({ annotations, message }) => {
        logged.push(`${String(message)} ${Option.getOrElse(HashMap.get(annotations, "healing.job"), () => "")}`)
      })
      const { openClaw, review } = yield* Effect.provide(
        makeGate({ maxWait: Duration.infinity }),
        Logger.replace(Logger.defaultLogger, logger)
      )
      yield* openClaw.started("stuck")
      yield* review("X")
      yield* TestClock.adjust("59 minutes")
      yield* openClaw.withJob("brief")(settle)
      assert.deepStrictEqual(logged, [])
      yield* TestClock.adjust("1 minute")
      yield* review("Y")
      yield* review("Z")
      assert.deepStrictEqual(logged, ["An OpenClaw job has held up 2 waiting healings for over an hour stuck"])
    })
  )

  it.scoped("also if those who wait give up and come again, and even if the logger throws", () =>
    Effect.gen(function* () {
      let calls = 0
      const logger = Logger.make(() => {
        calls++
        throw new Error("no space left")
      })
      const { healing, openClaw } = yield* Effect.provide(makeGate(), Logger.replace(Logger.defaultLogger, logger))
      yield* openClaw.started("stuck")
      const fiber = yield* Effect.fork(Effect.retry(healing.run("X")(Effect.succeed("done")), Schedule.forever))
      yield* TestClock.adjust("70 minutes")
      assert.strictEqual(calls, 1)
      yield* openClaw.finished("stuck")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "done")
    })
  )
})

describe("Healing.layer", () => {
  it.effect("gives the gate to a program", () =>
    Effect.gen(function* () {
      const openClaw = yield* OpenClaw
      const healing = yield* HealingService
      yield* openClaw.withJob("A")(Effect.void)
      const fiber = yield* Effect.fork(healing.run("A")(Effect.succeed("all is well")))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "all is well")
    }).pipe(Effect.provide(Healing.layer({ settings: { quietPeriod: "3 seconds" } }).pipe(Layer.orDie)))
  )
})
