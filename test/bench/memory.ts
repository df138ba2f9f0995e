/**
 * The heap that one pending request takes, in processes of their own.
 */
import { fileURLToPath } from "node:url"
import { Effect, Layer } from "effect"
import { answer, inChild, type Sides } from "./child.js"
import { newFile, newStore, openRaw, ours, selectPending } from "./disk.js"
import { collectGarbage, compare, type Row, rowOf, size } from "./ratio.js"

const PENDING = size(100_000, 2000)

const settled = Effect.zipRight(Effect.sleep(500), collectGarbage)

/** What is held for each by what the effect returns, as long as its scope is open. */
const bytesEach = <A, E, R>(held: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    yield* settled
    const before = process.memoryUsage().heapUsed
    const value = yield* held
    yield* settled
    const bytes = (process.memoryUsage().heapUsed - before) / PENDING
    // Until here at least.
    return value === undefined ? Number.NaN : bytes
  })

const opened = (file: string) => Layer.build(ours(file, Effect.never))

const sides: Sides = {
  ours: (file) =>
    Effect.gen(function* () {
      // So that what is made once is not counted.
      yield* Effect.scoped(Effect.flatMap(newFile, opened))
      return yield* bytesEach(opened(file))
    }).pipe(Effect.scoped, Effect.orDie),
  floor: (file) =>
    Effect.scoped(Effect.flatMap(openRaw(file), (database) => bytesEach(Effect.sync(() => selectPending(database)))))
}

const self = fileURLToPath(import.meta.url)

export const memory: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  const store = yield* newStore(0, PENDING)
  const compared = yield* compare({ rounds: 3, warmUp: 0 }, inChild(self, "ours", store), inChild(self, "floor", store))
  const what = `heap of one of ${PENDING.toLocaleString("en")} pending requests, to its row`
  return [rowOf(what, compared, 3, (bytes) => `${Math.round(bytes)} bytes`)]
}).pipe(Effect.scoped)

await answer(self, sides)
