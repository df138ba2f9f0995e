/** Services that an app has wrapped, as a decorator for tracing does: `{ ...service }` with some members replaced. */
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { type Context, Effect, Exit, Fiber, Layer, Option, Subscribable } from "effect"
import {
  HealingConfig,
  HealingDeadlock,
  HealingQueue,
  HealingScheduler,
  HealingService,
  HealingStore,
  JobRegistry,
  OpenClaw,
  Reviewed,
  Reviewer,
  Supervisor
} from "effect-healing"
import { settle } from "./support/gateWorld.js"

const makeWorld = () => {
  const calls: Array<string> = []
  const traced =
    (name: string) =>
    <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.zipRight(
        Effect.sync(() => calls.push(name)),
        self
      )

  const OpenClawLive = Layer.effect(
    OpenClaw,
    Effect.map(OpenClaw, (openClaw) => ({
      ...openClaw,
      running: Subscribable.make({
        get: traced("running")(openClaw.running.get),
        changes: openClaw.running.changes
      }),
      withJob: (job: string, queue?: string) => (effect) => traced("withJob")(openClaw.withJob(job, queue)(effect))
    }))
  ).pipe(Layer.provide(OpenClaw.layer))

  const ServiceLive = Layer.effect(
    HealingService,
    Effect.map(HealingService, (healing) => ({
      ...healing,
      run: (job, options) => (review) => traced("run")(healing.run(job, options)(review))
    }))
  ).pipe(Layer.provide(HealingService.layer))

  const QueueLive = Layer.effect(
    HealingQueue,
    Effect.map(HealingQueue, (queue) => ({ ...queue, submit: (wish) => traced("submit")(queue.submit(wish)) }))
  ).pipe(Layer.provide(HealingQueue.layer))

  const ReviewerLive = Layer.succeed(Reviewer, {
    review: ({ job }) => Effect.succeed(Reviewed.Completed({ report: { summary: `${job} looks well` } }))
  })

  const layer = HealingScheduler.layer.pipe(
    Layer.provideMerge(QueueLive),
    Layer.provideMerge(HealingStore.layerMemory),
    Layer.provide(Supervisor.layerActivity),
    Layer.provideMerge(ServiceLive),
    Layer.provideMerge(OpenClawLive),
    Layer.provideMerge(JobRegistry.layer),
    Layer.provide(HealingConfig.layer({ quietPeriod: 0 })),
    Layer.provide(ReviewerLive),
    Layer.provide(NodeContext.layer)
  )
  return { calls, layer }
}

const world = makeWorld()

describe("over services that were wrapped", () => {
  it.layer(world.layer)((it) => {
    it.scoped("R2, R4: the gate waits for jobs, and hears of their ends", () =>
      Effect.gen(function* () {
        const openClaw = yield* OpenClaw
        const healing = yield* HealingService
        yield* settle
        yield* openClaw.started("a")
        const review = yield* Effect.fork(healing.run("x")(Effect.succeed("reviewed")))
        yield* settle
        assert.strictEqual((yield* healing.status.get).waiting, 1)
        yield* openClaw.finished("a")
        assert.strictEqual(yield* Fiber.join(review), "reviewed")
        assert.includeMembers(world.calls, ["running", "run"])
      })
    )

    it.scoped("R9: the gate knows who is inside of a job", () =>
      Effect.gen(function* () {
        const openClaw = yield* OpenClaw
        const healing = yield* HealingService
        const error = yield* healing.run("x")(Effect.void).pipe(openClaw.withJob("a"), Effect.flip)
        assert.instanceOf(error, HealingDeadlock)
        assert.include(world.calls, "withJob")
      })
    )

    it.scoped("the queue has its reviews done in turn", () =>
      Effect.gen(function* () {
        const queue = yield* HealingQueue
        yield* queue.submit({ job: "submitted" })
        const { report } = yield* queue.heal({ job: "healed" })
        assert.strictEqual(report.summary, "healed looks well")
        yield* settle
        assert.sameMembers(
          (yield* queue.history()).map(({ job }) => job),
          ["submitted", "healed"]
        )
        assert.include(world.calls, "submit")
      })
    )

    it.scoped("the scheduler makes requests of events, and asks for nothing that a policy forbids", () =>
      Effect.gen(function* () {
        const registry = yield* JobRegistry
        const queue = yield* HealingQueue
        const scheduler = yield* HealingScheduler
        yield* registry.add({ id: "digest" })
        yield* registry.add({ id: "quiet" })
        yield* scheduler.refresh
        for (const job of ["digest", "quiet"]) {
          yield* queue.pause
          yield* registry.ended(job, yield* registry.started(job), { exitCode: 1 })
          yield* settle
          if (job === "quiet") yield* registry.add({ id: job, policy: { enabled: false } })
          yield* scheduler.refresh
          yield* queue.resume
          yield* settle
        }
        assert.deepInclude((yield* queue.history({ job: "digest" }))[0], { state: "completed" })
        assert.deepInclude((yield* queue.history({ job: "quiet" }))[0], {
          state: "skipped",
          reason: "its policy was switched off"
        })
      })
    )
  })
})

describe("over a running state of another queue, or one that was made by hand", () => {
  const made = (wrap: (openClaw: Context.Tag.Service<OpenClaw>) => Context.Tag.Service<OpenClaw>) =>
    HealingService.layer.pipe(
      Layer.provide(Layer.effect(OpenClaw, Effect.map(OpenClaw, wrap))),
      Layer.provideMerge(OpenClaw.layer),
      Layer.provide(HealingConfig.layer({ quietPeriod: 0 }))
    )
  const wraps: Record<string, Parameters<typeof made>[0]> = {
    "of another queue": (openClaw) => ({ ...openClaw, running: openClaw.runningIn("other") }),
    "made by hand": ({ finished, runningIn, source, started, withJob }) => {
      const { changes, get } = runningIn("other")
      // What somebody makes outside of the package, where the types do not tell of more.
      const openClaw: Omit<Context.Tag.Service<OpenClaw>, symbol> = {
        running: Subscribable.make({ changes, get }),
        runningIn,
        started,
        finished,
        withJob,
        source
      }
      return openClaw as Context.Tag.Service<OpenClaw>
    }
  }
  for (const [name, wrap] of Object.entries(wraps)) {
    it.scoped(`R4: the gate hears of the end of a job (${name})`, () =>
      Effect.gen(function* () {
        const openClaw = yield* OpenClaw
        const healing = yield* HealingService
        yield* openClaw.started("a", "other")
        const review = yield* Effect.fork(healing.run("x")(Effect.succeed("reviewed")))
        yield* settle
        assert.strictEqual((yield* healing.status.get).waiting, 1)
        yield* openClaw.finished("a", "other")
        yield* settle
        assert.deepStrictEqual(yield* Fiber.poll(review), Option.some(Exit.succeed("reviewed")))
      }).pipe(Effect.provide(made(wrap)))
    )
  }
})
