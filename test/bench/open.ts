/**
 * How long a restart takes: from an opened store to the first review.
 */
import { fileURLToPath } from "node:url"
import { Deferred, Effect, Layer } from "effect"
import { answer, inChild, type Sides } from "./child.js"
import { newStore, openRaw, ours, selectPending } from "./disk.js"
import { compare, millisEach, type Row, rowOf, size } from "./ratio.js"

const PENDING = size(100_000, 1000)
const FINISHED = [size(1_000_000, 3000), 0]

const sides: Sides = {
  ours: (file) =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const review = Effect.zipRight(Deferred.succeed(begun, void 0), Effect.never)
      const opened = Effect.forkDaemon(Effect.scoped(Layer.launch(ours(file, review))))
      return yield* millisEach(1, Effect.zipRight(opened, Deferred.await(begun)))
    }),
  floor: (file) =>
    Effect.scoped(
      millisEach(
        1,
        Effect.map(openRaw(file), (database) => selectPending(database))
      )
    )
}

const self = fileURLToPath(import.meta.url)

export const open: Effect.Effect<ReadonlyArray<Row>> = Effect.forEach(FINISHED, (finished) =>
  Effect.gen(function* () {
    const store = yield* newStore(finished, PENDING)
    const compared = yield* compare({ rounds: 5 }, inChild(self, "ours", store), inChild(self, "floor", store))
    const what = `open ${PENDING.toLocaleString("en")} pending and ${finished.toLocaleString("en")} finished requests`
    return rowOf(`${what}, until a review starts, to reading the pending rows`, compared, 5)
  }).pipe(Effect.scoped)
)

await answer(self, sides)
