import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, HashMap, Layer, Stream } from "effect"
import {
  Healing,
  type HealingEvent,
  HealingQueue,
  type HealingSettingsInput,
  HealingStore,
  OpenClaw,
  ReviewError,
  Supervisor
} from "effect-healing"
import { OpenClawReviewer } from "effect-healing/openclaw"
import { settle } from "../support/gateWorld.js"
import { nothing } from "../support/gatherEvidence.js"
import { makeFake, type Turn } from "./makeFake.js"
import { answer, digest, suggestion } from "./reviewWorld.js"

const makeQueue = (turns: ReadonlyArray<Turn>, settings: HealingSettingsInput = {}) =>
  Effect.gen(function* () {
    const fake = yield* makeFake({ generation: "exec", turns })
    const SupervisorLive = Layer.succeed(Supervisor, {
      jobs: Effect.succeed([digest]),
      activity: Stream.never,
      events: Stream.never,
      runs: Stream.never,
      evidence: () => Effect.succeed(nothing)
    })
    const context = yield* Layer.build(
      HealingQueue.layer.pipe(
        Layer.provide(OpenClawReviewer.layer({ command: fake.command, model: "mock/mock-1" })),
        Layer.provideMerge(HealingStore.layerMemory),
        Layer.provideMerge(Healing.layer({ settings: { quietPeriod: 0, onJobStart: "yield", ...settings } })),
        Layer.provide([SupervisorLive, NodeContext.layer])
      )
    )
    const queue = Context.get(context, HealingQueue)
    const events: Array<HealingEvent["_tag"]> = []
    yield* Effect.forkScoped(Stream.runForEach(queue.events, ({ _tag }) => Effect.sync(() => events.push(_tag))))
    const next = (tag: HealingEvent["_tag"]) =>
      Effect.forkScoped(Stream.runHead(Stream.filter(queue.events, ({ _tag }) => _tag === tag)))
    yield* settle
    return { fake, queue, events, next, openClaw: Context.get(context, OpenClaw) }
  })

const report = { text: answer({ suggestions: [suggestion()] }) }

describe.concurrent("in the queue", () => {
  it.scoped("a review's own OpenClaw is no job; one that starts has it yield, and it is done anew", () =>
    Effect.gen(function* () {
      const { events, fake, next, openClaw, queue } = yield* makeQueue([{ mode: "fork" }, report])
      const healing = yield* Effect.fork(queue.heal({ job: "digest" }))
      yield* fake.ready(1)
      yield* settle
      assert.strictEqual(HashMap.size((yield* openClaw.running.get).jobs), 0)
      assert.deepStrictEqual(events, ["Submitted", "Started"])
      assert.lengthOf(yield* fake.alive, 4)

      const givenBack = yield* next("GivenBack")
      yield* settle
      yield* openClaw.started("nightly")
      yield* Fiber.join(givenBack)
      assert.deepStrictEqual(yield* fake.alive, [])
      assert.deepStrictEqual(
        (yield* queue.pending).map(({ attempts, state }) => [state, attempts]),
        [["pending", 0]]
      )

      yield* openClaw.finished("nightly")
      yield* settle
      const { report: found } = yield* Fiber.join(healing)
      assert.lengthOf(found.suggestions ?? [], 1)
      const [request, ...others] = yield* queue.history()
      assert.deepStrictEqual([request?.state, request?.report, others.length], ["completed", found, 0])
      assert.deepStrictEqual(events, ["Submitted", "Started", "GivenBack", "Started", "Ended"])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("D9: a review that failed is tried again, and has failed in the end; it is never completed", () =>
    Effect.gen(function* () {
      const again = yield* makeQueue([{ mode: "crash", exit: 1 }])
      const retrying = yield* again.next("Retrying")
      yield* settle
      yield* again.queue.submit({ job: "digest" })
      yield* Fiber.join(retrying)
      const pending = yield* again.queue.pending
      assert.deepStrictEqual([pending[0]?.state, pending[0]?.attempts], ["pending", 1])
      assert.deepStrictEqual(yield* again.queue.history(), [])

      const once = yield* makeQueue([{ mode: "error", message: "No." }], { maxAttempts: 1 })
      const error = yield* Effect.flip(once.queue.heal({ job: "digest" }))
      assert.instanceOf(error, ReviewError)
      const [failed] = yield* once.queue.history()
      assert.deepStrictEqual([failed?.state, failed?.report], ["failed", null])
      assert.match(String(failed?.reason), /^OpenClaw has failed with exit code 1: No\./)
      assert.deepStrictEqual(yield* once.queue.history({ states: ["completed"] }), [])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("a rate limit holds all reviews up, and counts as no attempt", () =>
    Effect.gen(function* () {
      const { fake, next, queue } = yield* makeQueue([{ mode: "rateLimit", retryAfter: 3600 }])
      const limited = yield* next("RateLimited")
      yield* settle
      yield* queue.submit({ job: "digest" })
      yield* Fiber.join(limited)
      const [pending] = yield* queue.pending
      assert.deepStrictEqual([pending?.state, pending?.attempts], ["pending", 0])
      assert.deepStrictEqual(yield* fake.alive, [])
    }).pipe(Effect.provide(NodeContext.layer))
  )
})
