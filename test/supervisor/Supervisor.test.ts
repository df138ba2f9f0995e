import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Context,
  Duration,
  Effect,
  Exit,
  Fiber,
  HashMap,
  Layer,
  Logger,
  Mailbox,
  Scope,
  Stream,
  TestClock
} from "effect"
import { Activity, Healing, HealingClosed, HealingService, OpenClaw, Supervisor } from "effect-healing"
import { settle } from "../support/gateWorld.js"

const { Known, Unknown } = Activity

/** A supervisor that tells what it is told. */
const supervise = Effect.gen(function* () {
  const activity = yield* Mailbox.make<Activity>()
  const openClaw = yield* OpenClaw
  const scope = yield* Scope.make()
  yield* Layer.buildWithScope(
    Layer.provide(
      Supervisor.layerActivity,
      Layer.succeed(Supervisor, {
        jobs: Effect.succeed([]),
        activity: Stream.orDie(Mailbox.toStream(activity)),
        events: Stream.never,
        runs: Stream.never,
        evidence: () => Effect.die("nobody asks")
      })
    ),
    scope
  )
  const running = Effect.map(openClaw.running.get, ({ jobs, unknown }) => ({
    jobs: Object.fromEntries(Array.from(HashMap.toEntries(jobs), ([job, { instances }]) => [job, instances])),
    unknown
  }))
  return {
    activity,
    tell: (element: Activity) => Effect.zipRight(activity.offer(element), settle),
    running,
    close: Scope.close(scope, Exit.void)
  }
})

const known = (jobs: Record<string, number> = {}) => ({ jobs, unknown: [] })

const unknown = (reason: string, jobs: Record<string, number> = {}) => ({
  jobs,
  unknown: [{ name: "supervisor", reason }]
})

describe("Supervisor.layerActivity", () => {
  it.scoped("R16: is unknown until the first element", () =>
    Effect.gen(function* () {
      const { running, tell } = yield* supervise
      yield* settle
      assert.deepStrictEqual(yield* running, unknown("it has not reported yet"))
      yield* tell(Known({ running: [] }))
      assert.deepStrictEqual(yield* running, known())
    }).pipe(Effect.provide(Healing.layer()))
  )

  it.scoped("takes each element for the whole truth", () =>
    Effect.gen(function* () {
      const { running, tell } = yield* supervise
      yield* tell(Known({ running: ["a", "b", "a"] }))
      assert.deepStrictEqual(yield* running, known({ a: 2, b: 1 }))
      yield* tell(Known({ running: ["b", "c"] }))
      assert.deepStrictEqual(yield* running, known({ b: 1, c: 1 }))
    }).pipe(Effect.provide(Healing.layer()))
  )

  it.scoped("R16: is unknown while the supervisor does not know, with the jobs as they were", () =>
    Effect.gen(function* () {
      const { running, tell } = yield* supervise
      yield* tell(Known({ running: ["a"] }))
      yield* tell(Unknown({ reason: "the connection is lost" }))
      assert.deepStrictEqual(yield* running, unknown("the connection is lost", { a: 1 }))
      yield* tell(Known({ running: [] }))
      assert.deepStrictEqual(yield* running, known())
    }).pipe(Effect.provide(Healing.layer()))
  )

  it.scoped("R16: stays unknown when the stream ends", () =>
    Effect.gen(function* () {
      const { activity, running, tell } = yield* supervise
      yield* tell(Known({ running: [] }))
      yield* activity.end
      yield* settle
      assert.deepStrictEqual(yield* running, unknown("its activity has ended"))
    }).pipe(Effect.provide(Healing.layer()))
  )

  it.scoped("R16: stays unknown when the stream breaks", () =>
    Effect.gen(function* () {
      const { activity, running, tell } = yield* supervise
      yield* tell(Known({ running: [] }))
      yield* activity.failCause(Cause.die(new Error("redis://:password@host")))
      yield* settle
      assert.deepStrictEqual(yield* running, unknown("its activity broke"))
    }).pipe(Effect.provide(Healing.layer()))
  )

  it.scoped("says that it is not known what runs only if that lasts", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const logger = Logger.make(({ message }) => void said.push(String(message)))
      yield* Effect.gen(function* () {
        const { tell } = yield* supervise
        const lost = (reason: string) => tell(Unknown({ reason }))
        yield* lost("it is not there yet")
        yield* TestClock.adjust("9 seconds")
        yield* tell(Known({ running: [] }))
        yield* lost("the connection is lost")
        yield* TestClock.adjust("9 seconds")
        assert.deepStrictEqual(said, [])
        yield* lost("it does not answer")
        yield* TestClock.adjust("1 hour")
        yield* lost("it does not answer")
        yield* tell(Known({ running: [] }))
        assert.deepStrictEqual(said, [
          "It is not known what runs, and nothing is reviewed until it is: it does not answer",
          "It is known again what runs: reviews go on"
        ])
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
    }).pipe(Effect.provide(Healing.layer()))
  )

  it.scoped("R16: is known again when a stream that broke works again, and says both once", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void said.push(`${logLevel.label} ${String(message)}`))
      let tries = 0
      const activity = Stream.suspend(() => {
        tries++
        if (tries === 1 || tries === 8)
          return Stream.concat(Stream.succeed(Known({ running: ["a"] })), Stream.die("broken"))
        if (tries < 8) return tries % 2 === 0 ? Stream.empty : Stream.fail("broken" as never)
        return Stream.concat(Stream.succeed(Known({ running: [] })), Stream.never)
      })
      yield* Effect.gen(function* () {
        const openClaw = yield* OpenClaw
        yield* Layer.build(
          Supervisor.layerActivity.pipe(
            Layer.provide(
              Layer.succeed(Supervisor, {
                jobs: Effect.succeed([]),
                activity,
                events: Stream.never,
                runs: Stream.never,
                evidence: () => Effect.die("nobody asks")
              })
            )
          )
        )
        yield* settle
        const isUnknown = Effect.map(openClaw.running.get, ({ unknown }) => unknown.length > 0)
        assert.isTrue(yield* isUnknown)
        // After 1, 2, 4, 8, 16, 32 and 60 seconds, and after 1 second since there was an element.
        for (const [seconds, expected] of [
          [1, 2],
          [2, 3],
          [4, 4],
          [8, 5],
          [16, 6],
          [32, 7]
        ] as const) {
          yield* TestClock.adjust(Duration.seconds(seconds))
          assert.strictEqual(tries, expected)
        }
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(tries, 8)
        assert.isTrue(yield* isUnknown)
        yield* TestClock.adjust("1 second")
        assert.isFalse(yield* isUnknown)
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.deepStrictEqual(said, [
        "WARN It is not known what runs, and nothing is reviewed until it is: its activity broke",
        "INFO It is known again what runs: reviews go on",
        "WARN It is not known what runs, and nothing is reviewed until it is: its activity broke",
        "INFO It is known again what runs: reviews go on"
      ])
    }).pipe(Effect.provide(Healing.layer()))
  )

  it.scoped("R16: stays unknown when its layer is closed, until another one takes its place", () =>
    Effect.gen(function* () {
      const first = yield* supervise
      yield* first.tell(Known({ running: ["a"] }))
      yield* first.close
      assert.deepStrictEqual(yield* first.running, unknown("its scope was interrupted", { a: 1 }))
      const second = yield* supervise
      yield* second.tell(Known({ running: ["b"] }))
      assert.deepStrictEqual(yield* second.running, known({ b: 1 }))
    }).pipe(Effect.provide(Healing.layer()))
  )

  it.effect("R2, R11: does not let anybody begin while its app shuts down", () =>
    Effect.gen(function* () {
      const SupervisorLive = Layer.succeed(Supervisor, {
        jobs: Effect.succeed([]),
        activity: Stream.concat(Stream.succeed(Known({ running: ["a"] })), Stream.never),
        events: Stream.never,
        runs: Stream.never,
        evidence: () => Effect.die("nobody asks")
      })
      const app = Supervisor.layerActivity.pipe(
        Layer.provide(SupervisorLive),
        // What closes between the two may take its time.
        Layer.provideMerge(Layer.scopedDiscard(Effect.addFinalizer(() => settle))),
        Layer.provideMerge(Healing.layer({ settings: { quietPeriod: 0 } }))
      )
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(app, scope)
      const review = yield* Effect.fork(Context.get(context, HealingService).run("x")(Effect.succeed("reviewed")))
      yield* settle
      yield* Scope.close(scope, Exit.void)
      assert.instanceOf(yield* Effect.flip(Fiber.join(review)), HealingClosed)
    })
  )

  it.scoped("R2: keeps a review from its turn for as long as a job runs", () =>
    Effect.gen(function* () {
      const { tell } = yield* supervise
      const healing = yield* HealingService
      const review = yield* Effect.fork(healing.run("x")(Effect.succeed("reviewed")))
      yield* settle
      for (const element of [Known({ running: ["a"] }), Unknown({ reason: "lost" })]) {
        yield* tell(element)
        assert.strictEqual((yield* healing.status.get).waiting, 1)
      }
      yield* tell(Known({ running: [] }))
      assert.strictEqual(yield* review, "reviewed")
    }).pipe(Effect.provide(Healing.layer({ settings: { quietPeriod: 0 } })))
  )
})
