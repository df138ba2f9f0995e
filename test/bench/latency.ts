/**
 * From the last `finished` to the first instruction of the review that waits for it.
 */
import { Deferred, Effect, Fiber, Stream, SubscriptionRef } from "effect"
import { Healing, HealingService, OpenClaw } from "../../src/index.js"
import { beside, compare, median, type Row, rowOf, size } from "./ratio.js"

const SAMPLES = size(200, 10)
const MEAN_OF_A_POLL = 2500

const present = Effect.sync(() => performance.now())

/** From the report until what waits for it has noted the time. */
const sample = <E>(waits: Effect.Effect<number, E>, report: Effect.Effect<void>): Effect.Effect<number, E> =>
  Effect.gen(function* () {
    const waiting = yield* Effect.fork(waits)
    yield* Effect.sleep(1)
    const from = performance.now()
    yield* report
    return (yield* Fiber.join(waiting)) - from
  })

const medianOf = <E>(sample: Effect.Effect<number, E>): Effect.Effect<number, E> =>
  Effect.map(Effect.all(Array.from({ length: SAMPLES }, () => sample)), median)

export const latency: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  const openClaw = yield* OpenClaw
  const healing = yield* HealingService
  const ours = Effect.zipRight(openClaw.started("job"), sample(healing.run("job")(present), openClaw.finished("job")))

  const busy = yield* SubscriptionRef.make(true)
  let idle = yield* Deferred.make<void>()
  yield* Effect.forkScoped(
    Stream.runForEach(busy.changes, (busy) => (busy ? Effect.void : Deferred.succeed(idle, void 0)))
  )
  const floor = Effect.gen(function* () {
    idle = yield* Deferred.make<void>()
    yield* SubscriptionRef.set(busy, true)
    return yield* sample(Effect.zipRight(Deferred.await(idle), present), SubscriptionRef.set(busy, false))
  })

  const compared = yield* compare({ rounds: 9 }, medianOf(ours), medianOf(floor))
  return [
    rowOf("last `finished` to first instruction of the waiting review", compared, 2),
    beside("- the same by a poll every 5 seconds (computed mean)", MEAN_OF_A_POLL, compared)
  ]
}).pipe(Effect.scoped, Effect.provide(Healing.layer({ settings: { quietPeriod: 0 } })), Effect.orDie)
