/** Whether all is well, and why not. */
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, TestClock } from "effect"
import {
  Healing,
  HealingConfig,
  HealingQueue,
  HealingService,
  HealingStore,
  HealingStoreError,
  OpenClaw,
  Reviewed,
  Reviewer
} from "effect-healing"
import { settle } from "../support/gateWorld.js"
import { Disk } from "../support/queueWorld.js"

const silent = Effect.provide(Logger.remove(Logger.defaultLogger))

const makeWorld = Effect.gen(function* () {
  const disk = new Disk(true)
  const letGo = yield* Effect.makeLatch(false)
  const StoreLive = Layer.effect(
    HealingStore,
    Effect.map(HealingStore, (store) => disk.of(store))
  ).pipe(Layer.provide(HealingStore.layerSqlite(":memory:")))
  const interrupted: Array<string> = []
  const ReviewerLive = Layer.succeed(Reviewer, {
    review: ({ job }) =>
      (job === "obedient" ? letGo.await : Effect.uninterruptible(letGo.await)).pipe(
        Effect.as(Reviewed.Completed({ report: { summary: "late" } })),
        Effect.onInterrupt(() => Effect.sync(() => interrupted.push(job)))
      )
  })
  const context = yield* Layer.build(
    HealingQueue.layer.pipe(
      Layer.provide([StoreLive, ReviewerLive]),
      Layer.provideMerge(HealingService.layer),
      Layer.provideMerge(OpenClaw.layer),
      Layer.provideMerge(HealingConfig.layer({ quietPeriod: 0, reviewTimeout: "1 minute", maxAttempts: 1 })),
      Layer.provide(NodeContext.layer)
    )
  )
  return {
    disk,
    letGo,
    interrupted,
    queue: Context.get(context, HealingQueue),
    openClaw: Context.get(context, OpenClaw),
    health: Effect.provide(Healing.health, context),
    problems: Effect.map(Effect.provide(Healing.health, context), ({ healthy, problems }) => {
      assert.strictEqual(healthy, problems.length === 0)
      return problems.map(({ _tag, restartHelps }) => `${_tag}${restartHelps ? " (restart)" : ""}`)
    })
  }
})

describe("Healing.health", () => {
  it.scoped("tells what was written and reviewed last, and who has waited longest", () =>
    Effect.gen(function* () {
      const { health, letGo, openClaw, queue } = yield* makeWorld
      const nothing = { healthy: true, problems: [] }
      assert.deepStrictEqual(yield* health, {
        ...nothing,
        lastCommit: undefined,
        lastReview: undefined,
        oldestPending: undefined
      })
      yield* openClaw.started("a job")
      yield* TestClock.adjust("5 seconds")
      yield* queue.submit({ job: "x" })
      yield* TestClock.adjust("5 seconds")
      yield* queue.submit({ job: "y" })
      assert.deepStrictEqual(yield* health, {
        ...nothing,
        lastCommit: 10_000,
        lastReview: undefined,
        oldestPending: 5000
      })
      yield* queue.pause
      yield* queue.cancel({ job: "y" })
      yield* TestClock.adjust("5 seconds")
      assert.isTrue((yield* health).healthy, "paused and busy")
      yield* queue.resume
      yield* openClaw.finished("a job")
      yield* settle
      yield* TestClock.adjust("5 seconds")
      yield* letGo.open
      yield* settle
      assert.deepStrictEqual(yield* health, {
        ...nothing,
        lastCommit: 20_000,
        lastReview: 20_000,
        oldestPending: undefined
      })
    })
  )

  it.scoped("is not well while the store fails", () =>
    silent(
      Effect.gen(function* () {
        const { disk, health, openClaw, problems, queue } = yield* makeWorld
        yield* openClaw.started("a job")
        disk.fail()
        yield* Effect.flip(queue.submit({ job: "x" }))
        yield* TestClock.adjust("1 hour")
        yield* Effect.flip(queue.submit({ job: "x" }))
        assert.deepStrictEqual(yield* problems, ["StoreFailing"])
        const [problem] = (yield* health).problems
        assert.strictEqual(
          problem?.message,
          "Nothing can be written since 1970-01-01T00:00:00.000Z, and no review begins: the disk is Full"
        )
        disk.repair()
        yield* TestClock.adjust("1 minute")
        yield* queue.submit({ job: "x" })
        assert.deepStrictEqual(yield* problems, [])
      })
    )
  )

  it.scoped("is not well when a source is unknown for over a minute", () =>
    Effect.gen(function* () {
      const { health, openClaw, problems } = yield* makeWorld
      const source = yield* openClaw.source("pm2")
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* problems, [])
      yield* source.unknown("it does not answer")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* problems, ["SourceUnknown"])
      assert.strictEqual(
        (yield* health).problems[0]?.message,
        'The source "pm2" does not know what runs since 1970-01-01T00:00:00.000Z, so that nothing is reviewed: it does not answer'
      )
      yield* source.replace([])
      yield* settle
      assert.deepStrictEqual(yield* problems, [])
      yield* source.unknown("lost")
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* problems, [])
    })
  )

  it.scoped("is not well while a review goes on after its timeout", () =>
    silent(
      Effect.gen(function* () {
        const { letGo, problems, queue } = yield* makeWorld
        yield* queue.submit({ job: "x" })
        yield* settle
        yield* TestClock.adjust("70 seconds")
        assert.deepStrictEqual(yield* problems, [])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* problems, ["ReviewOverdue (restart)"])
        yield* letGo.open
        yield* settle
        assert.deepStrictEqual(yield* problems, [])
      })
    )
  )

  it.scoped("is not well when the queue has stopped since another process owns its file", () =>
    silent(
      Effect.gen(function* () {
        const { disk, letGo, openClaw, problems, queue } = yield* makeWorld
        yield* queue.submit({ job: "x" })
        yield* settle
        yield* openClaw.started("a job")
        yield* queue.submit({ job: "y" })
        const waiting = yield* Effect.fork(Effect.flip(queue.heal({ job: "z", maxWait: "1 day" })))
        yield* settle
        disk.fail("Owned")
        yield* Effect.flip(queue.submit({ job: "w" }))
        yield* settle
        assert.deepStrictEqual(yield* problems, ["Stopped (restart)"])
        // The review is interrupted, since the other process reviews it as well by now.
        yield* letGo.open
        yield* settle
        assert.instanceOf(yield* waiting, HealingStoreError)
        disk.repair()
        const { commits } = disk
        yield* TestClock.adjust("1 hour")
        const error = yield* Effect.flip(queue.submit({ job: "w" }))
        assert(error._tag === "HealingStoreError" && error.reason === "Owned")
        assert.strictEqual(disk.commits, commits, "nothing is written any more")
      })
    )
  )

  it.scoped.each(["Owned", "Replaced", "InDoubt"] as const)(
    "sees by itself within a second of a review that its file is %s",
    (reason) =>
      silent(
        Effect.gen(function* () {
          const { disk, interrupted, problems, queue } = yield* makeWorld
          const waiting = yield* Effect.fork(Effect.flip(queue.heal({ job: "obedient", maxWait: "1 day" })))
          yield* settle
          disk.fail(reason)
          const { commits } = disk
          yield* TestClock.adjust("1 second")
          yield* settle
          // R1: who owns the file by now reviews it as well.
          assert.deepStrictEqual(interrupted, ["obedient"])
          assert.strictEqual((yield* waiting).message, `the disk is ${reason}`)
          assert.strictEqual(disk.commits, commits, "nothing is written any more")
          assert.deepStrictEqual(yield* problems, [reason === "Replaced" ? "Stopped" : "Stopped (restart)"])
        })
      )
  )

  it.scoped("sees when it is asked that its file is lost, though nothing is to be written", () =>
    silent(
      Effect.gen(function* () {
        const { disk, problems } = yield* makeWorld
        disk.fail("Replaced")
        yield* problems
        yield* settle
        assert.deepStrictEqual(yield* problems, ["Stopped"])
      })
    )
  )

  it.scoped("does not call a store failing that nobody has tried for longer than until the next try", () =>
    silent(
      Effect.gen(function* () {
        const { disk, problems, queue } = yield* makeWorld
        disk.fail("Unavailable")
        yield* Effect.flip(queue.submit({ job: "x" }))
        assert.deepStrictEqual(yield* problems, ["StoreFailing"])
        disk.repair()
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* problems, [])
      })
    )
  )

  it.scoped("tells anew of a store that fails for another reason", () => {
    const logged: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void logged.push(`${logLevel.label} ${String(message)}`))
    return Effect.gen(function* () {
      const { disk, queue } = yield* makeWorld
      for (const reason of ["Full", "Full", "Unavailable", "Replaced"] as const) {
        disk.fail(reason)
        yield* Effect.flip(queue.submit({ job: "x" }))
        yield* TestClock.adjust("1 minute")
        yield* settle
      }
      const until = "No review begins, and no request is taken in, until this is mended: the disk is"
      assert.deepStrictEqual(logged, [
        `ERROR ${until} Full`,
        `ERROR ${until} Unavailable`,
        "FATAL the disk is Replaced"
      ])
    }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
  })

  it.scoped("works without a durable queue", () =>
    Effect.gen(function* () {
      assert.isTrue((yield* Healing.health).healthy)
    }).pipe(Effect.provide(Healing.layer()))
  )
})
