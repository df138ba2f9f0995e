import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Runtime, TestClock } from "effect"
import {
  HealingCancelled,
  HealingClosed,
  HealingDeadlock,
  HealingInvalid,
  HealingNotFound,
  type HealingWish
} from "effect-healing"
import { settle } from "../support/gateWorld.js"
import { beforeOp } from "../support/interruptBeforeOp.js"
import { failure, healing, type Life, makeQueueWorld, report } from "../support/queueWorld.js"

const submitted = (life: Life, wish: HealingWish) =>
  Effect.zipLeft(
    Effect.map(life.queue.submit(wish), ({ id }) => id),
    settle
  )

type World = Effect.Effect.Success<ReturnType<typeof makeQueueWorld>>

/** One who awaits the end of a request, in a fiber of its own. */
const awaiting = (life: Life, id: string) => Effect.zipLeft(Effect.fork(life.queue.await(id)), settle)

const stateOf = (life: Life, id: string) =>
  Effect.map(
    life.queue.get(id),
    Option.map(({ state }) => state)
  )

describe("get", () => {
  it.scoped("tells of a request wherever it stands, and after a restart", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      let life = yield* world.start
      const first = yield* submitted(life, { job: "x" })
      const second = yield* submitted(life, { job: "y" })
      assert.deepStrictEqual(yield* stateOf(life, first), Option.some("running"))
      assert.deepStrictEqual(yield* stateOf(life, second), Option.some("pending"))
      yield* world.end("x")
      assert.deepStrictEqual(yield* stateOf(life, first), Option.some("completed"))
      yield* life.stop
      life = yield* world.start
      assert.deepStrictEqual(yield* stateOf(life, first), Option.some("completed"))
      assert.deepStrictEqual(yield* stateOf(life, second), Option.some("running"))
      for (const unknown of ["healing:x:3", "healing:y:1", "healing:x:", "x", "healing:x:1e99"]) {
        assert.deepStrictEqual(yield* life.queue.get(unknown), Option.none())
      }
      assert.instanceOf(yield* Effect.flip(life.queue.get("")), HealingInvalid)
    })
  )

  it.scoped("tells of an end that cannot be written yet", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      const life = yield* world.start
      const id = yield* submitted(life, { job: "x" })
      world.disk.fail()
      yield* world.end("x")
      assert.deepStrictEqual(yield* stateOf(life, id), Option.some("completed"))
      world.disk.repair()
    })
  )

  it.scoped("fails for a row that cannot be read, and leaves it as it is", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      const life = yield* world.start
      const id = yield* submitted(life, { job: "x" })
      yield* world.end("x")
      yield* world.sql`UPDATE healing_requests SET triggers = 'nonsense', reason = 'as it was'`
      for (const asked of [Effect.asVoid(life.queue.get(id)), Effect.asVoid(life.queue.await(id))]) {
        const error = yield* Effect.flip(asked)
        assert.strictEqual(error._tag, "HealingStoreError")
        assert.include(error.message, "triggers")
      }
      assert.deepStrictEqual(yield* world.sql`SELECT state, reason FROM healing_requests`, [
        { state: "completed", reason: "as it was" }
      ])
    })
  )
})

describe("await", () => {
  it.scoped("returns the review, before and after the end, and in another life", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      let life = yield* world.start
      const id = yield* submitted(life, { job: "x", runId: "7" })
      const waiter = yield* awaiting(life, id)
      yield* world.end("x", report("found it"))
      const review = yield* Fiber.join(waiter)
      assert.strictEqual(review.report.summary, "found it")
      assert.deepStrictEqual(yield* life.queue.await(id), review)
      yield* life.stop
      life = yield* world.start
      assert.deepStrictEqual(yield* life.queue.await(id), review)
    })
  )

  it.scoped("waits for a request of an earlier life", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      const before = yield* world.start
      const id = yield* submitted(before, { job: "x" })
      yield* before.crash
      const life = yield* world.start
      const waiter = yield* awaiting(life, id)
      yield* world.end("x", report("in the end"))
      assert.strictEqual((yield* Fiber.join(waiter)).report.summary, "in the end")
    })
  )

  it.scoped("fails as the request ends, at the end and later", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      const life = yield* world.start
      const ends = {
        failed: [world.end("failed", failure("failed", "Never")), "ReviewError"],
        skipped: [world.end("skipped", { _tag: "Skipped", reason: "no need" }), "HealingSkipped"],
        cancelled: [life.queue.cancel({ job: "cancelled" }), "HealingCancelled"]
      } as const
      for (const [job, [end, error]] of Object.entries(ends)) {
        const id = yield* submitted(life, { job })
        const waiter = yield* awaiting(life, id)
        yield* end
        const told = yield* Effect.flip(Fiber.join(waiter))
        assert.strictEqual(told._tag, error)
        const later = yield* Effect.flip(life.queue.await(id))
        assert.deepStrictEqual([later._tag, later.message], [told._tag, told.message])
      }
    })
  )

  it.scoped("R14: follows a request into the one that it is coalesced into, while that is written and later", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld({ onJobStart: "yield" })
      const life = yield* world.start
      const older = yield* submitted(life, { job: "x" })
      const newer = yield* submitted(life, { job: "x" })
      assert.notStrictEqual(older, newer)
      const early = yield* awaiting(life, newer)
      world.disk.fail()
      // The one that runs goes back to pending, and they merge.
      yield* life.openClaw.started("job")
      yield* settle
      assert.deepStrictEqual(yield* stateOf(life, newer), Option.some("coalesced"))
      const meanwhile = yield* awaiting(life, newer)
      world.disk.repair()
      yield* life.openClaw.finished("job")
      // The store is tried again within a minute.
      yield* TestClock.adjust("1 minute")
      yield* world.end("x", report("for both"))
      const late = yield* awaiting(life, newer)
      for (const waiter of [early, meanwhile, late]) {
        const { id, report } = yield* Fiber.join(waiter)
        assert.deepStrictEqual([id, report.summary], [older, "for both"])
      }
    })
  )

  it.scoped("does not keep a request wanted, and cancels nothing when it is interrupted", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      const life = yield* world.start
      yield* life.openClaw.started("job")
      const call = yield* healing(life, { job: "x", maxWait: "1 hour" })
      const [request] = yield* life.queue.pending
      const id = request?.id ?? ""
      const watching = yield* awaiting(life, id)
      yield* Fiber.interrupt(yield* awaiting(life, id))
      assert.isFalse(yield* call.hasEnded)
      yield* call.interrupt
      assert.instanceOf(yield* Effect.flip(Fiber.join(watching)), HealingCancelled)

      const other = yield* submitted(life, { job: "y" })
      yield* life.openClaw.finished("job")
      yield* settle
      yield* Fiber.interrupt(yield* awaiting(life, other))
      assert.deepStrictEqual(yield* stateOf(life, other), Option.some("running"))
    })
  )

  const ends = {
    "its review ends": (world: World) => world.end("x", report("seen")),
    "it is cancelled": (_: World, life: Life) => Effect.ignore(life.queue.cancel({ job: "x" })),
    "the layer closes": (_: World, life: Life) => life.stop
  }
  for (const [what, end] of Object.entries(ends)) {
    it.scoped(`is answered if ${what} before any of its ops`, () =>
      Effect.gen(function* () {
        const runtime = yield* Effect.runtime<never>()
        for (let op = 1, isReached = true; isReached; op++) {
          isReached = yield* Effect.gen(function* () {
            const world = yield* makeQueueWorld()
            const life = yield* world.start
            const id = yield* submitted(life, { job: "x" })
            let ending: Fiber.Fiber<unknown> | undefined
            const meddle = () => {
              ending = Runtime.runFork(runtime)(end(world, life))
            }
            const waiter = yield* Effect.fork(life.queue.await(id).pipe(beforeOp(op, meddle, "stand back")))
            yield* settle
            if (ending === undefined) return false
            yield* settle
            assert.isTrue(Option.isSome(yield* Fiber.poll(waiter)), `before op ${op}`)
            return true
          }).pipe(Effect.scoped)
          if (!isReached) assert.isAbove(op, 10)
        }
      })
    )
  }

  it.scoped("R9, R11: fails at once where it would wait for ever", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      const life = yield* world.start
      assert.instanceOf(yield* Effect.flip(life.queue.await("healing:x:1")), HealingNotFound)
      yield* life.openClaw.started("job")
      const id = yield* submitted(life, { job: "x" })
      const inside = life.queue.await(id).pipe(life.openClaw.withJob("caller"), Effect.flip)
      assert.instanceOf(yield* inside, HealingDeadlock)
      const waiter = yield* awaiting(life, id)
      yield* life.stop
      assert.instanceOf(yield* Effect.flip(Fiber.join(waiter)), HealingClosed)
      assert.instanceOf(yield* Effect.flip(life.queue.await(id)), HealingClosed)
    })
  )
})
