/**
 * The heap that one waiting healing takes, in processes of their own.
 */
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Deferred, Effect } from "effect"
import { Healing, HealingService, OpenClaw } from "../../src/index.js"
import { collectGarbage, compare, isQuick, type Row, rowOf, size } from "./ratio.js"

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

const inThisProcess: Record<string, Effect.Effect<number>> = {
  ours: Effect.gen(function* () {
    const openClaw = yield* OpenClaw
    const healing = yield* HealingService
    yield* openClaw.started("job")
    return yield* bytesEach(Effect.suspend(() => healing.run("job")(Effect.void)))
  }).pipe(Effect.provide(Healing.layer()), Effect.orDie),
  floor: Effect.flatMap(Deferred.make<void>(), (deferred) => bytesEach(Effect.suspend(() => Deferred.await(deferred))))
}

const self = fileURLToPath(import.meta.url)

const inChild = (side: "ours" | "floor") =>
  Effect.sync(() =>
    Number(
      execFileSync(process.execPath, [...process.execArgv, self, side, ...(isQuick ? ["--quick"] : [])], {
        encoding: "utf8"
      })
    )
  )

export const heap: Effect.Effect<ReadonlyArray<Row>> = Effect.map(
  compare({ rounds: 3, warmUp: 0 }, inChild("ours"), inChild("floor")),
  (compared) => [
    rowOf(
      `heap of one of ${WAITING.toLocaleString("en")} waiting healings`,
      compared,
      2,
      (bytes) => `${Math.round(bytes)} bytes`
    )
  ]
)

if (process.argv[1] === self) {
  const bytes = inThisProcess[process.argv[2] ?? ""]
  if (bytes !== undefined) {
    console.log(await Effect.runPromise(Effect.withTracerEnabled(bytes, false)))
    process.exit()
  }
}
