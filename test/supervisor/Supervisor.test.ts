import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, HashMap, Layer, Mailbox, Scope, Stream } from "effect"
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
