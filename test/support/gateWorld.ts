/** What the tests of the gate share: a gate of one's own, and reviews that end when the test says so. */
import { Deferred, Effect, Fiber, Layer, Option, TestClock } from "effect"
import { Healing, HealingService, type HealingSettingsInput, OpenClaw, type RunOptions } from "effect-healing"

/** Lets every fiber run until it waits for something that only the test can bring about. */
export const settle = TestClock.adjust(0)

/** Lets what the system does go on, such as the reading of a file. */
export const macrotask = Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void)))

export const makeGate = (settings: HealingSettingsInput = {}) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(Healing.layer({ settings }))
    const healing = yield* Effect.provide(HealingService, context)
    const openClaw = yield* Effect.provide(OpenClaw, context)
    const log: Array<string> = []

    /** A review of the job in a fiber of its own, which writes into the log and ends when it is told to. */
    const review = (job: string, options?: RunOptions) =>
      Effect.gen(function* () {
        const end = yield* Deferred.make<void>()
        const fiber = yield* Effect.sync(() => log.push(`${job} begins`)).pipe(
          Effect.zipRight(Deferred.await(end)),
          Effect.onExit((exit) => Effect.sync(() => log.push(`${job} ${exit._tag === "Success" ? "ends" : "fails"}`))),
          healing.run(job, options),
          Effect.fork
        )
        yield* settle
        return {
          fiber,
          finish: Effect.zipRight(Deferred.succeed(end, undefined), settle),
          interrupt: Effect.zipRight(Fiber.interrupt(fiber), settle),
          hasEnded: Effect.map(Fiber.poll(fiber), Option.isSome),
          error: Effect.flip(Fiber.join(fiber))
        }
      })

    return { healing, openClaw, log, review }
  })
