/**
 * The heap that one waiting healing takes, in processes of their own.
 */
import { fileURLToPath } from "node:url"
import { Deferred, Effect } from "effect"
import { Healing, HealingService, OpenClaw } from "../../src/index.js"
import { answer, inEmptyChild, type Sides } from "./child.js"
import { collectGarbage, compare, type Row, rowOf, size } from "./ratio.js"

const WAITING = size(100_000, 5000)

const bytesEach = <A, E>(one: Effect.Effect<A, E>): Effect.Effect<number, E> =>
  Effect.gen(function* () {
    const settled = Effect.zipRight(Effect.sleep(100), collectGarbage)
    // So that what is made once is not counted.
    yield* Effect.fork(one)
    yield* settled
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < WAITING; i++) yield* Effect.fork(one)
    yield* settled
    return (process.memoryUsage().heapUsed - before) / WAITING
  })

const sides: Sides = {
  ours: () =>
    Effect.gen(function* () {
      const openClaw = yield* OpenClaw
      const healing = yield* HealingService
      yield* openClaw.started("job")
      return yield* bytesEach(Effect.suspend(() => healing.run("job")(Effect.void)))
    }).pipe(Effect.provide(Healing.layer()), Effect.orDie, Effect.withTracerEnabled(false)),
  floor: () =>
    Effect.flatMap(Deferred.make<void>(), (deferred) => bytesEach(Effect.suspend(() => Deferred.await(deferred)))).pipe(
      Effect.withTracerEnabled(false)
    )
}

const self = fileURLToPath(import.meta.url)

export const heap: Effect.Effect<ReadonlyArray<Row>> = Effect.map(
  compare({ rounds: 3, warmUp: 0 }, inEmptyChild(self, "ours"), inEmptyChild(self, "floor")),
  (compared) => [
    rowOf(
      `heap of one of ${WAITING.toLocaleString("en")} waiting healings`,
      compared,
      2,
      (bytes) => `${Math.round(bytes)} bytes`
    )
  ]
)

await answer(self, sides)
