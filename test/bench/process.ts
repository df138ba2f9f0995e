/**
 * The whole way of a request: asked for, reviewed, and recorded.
 */
import { Chunk, Deferred, Effect, Stream } from "effect"
import { HealingQueue } from "../../src/index.js"
import { newFile, withOurs } from "./disk.js"
import { plainjob, processed } from "./plainjob.js"
import { compare, millisEach, type Row, rowOf, size } from "./ratio.js"

const COUNT = size(10_000, 300)
const FIBERS = 100

const ours = Effect.flatMap(newFile, (file) =>
  withOurs(
    file,
    Effect.gen(function* () {
      const queue = yield* HealingQueue
      const allEnded = yield* Deferred.make<void>()
      // The last one in line: an event of another may be missed, and not of that one.
      yield* Effect.fork(
        Stream.runForEachChunk(queue.events, (events) =>
          Chunk.some(events, (event) => event._tag === "Ended" && event.request.number === COUNT)
            ? Deferred.succeed(allEnded, void 0)
            : Effect.void
        )
      )
      yield* Effect.sleep(10)
      const jobs = Array.from({ length: COUNT }, (_, i) => `job ${i}`)
      const submitted = Effect.forEach(jobs, (job) => queue.submit({ job }), { concurrency: FIBERS, discard: true })
      const millis = yield* millisEach(COUNT, Effect.zipRight(submitted, Deferred.await(allEnded)))
      const left = yield* queue.pending
      return left.length === 0 ? millis : yield* Effect.dieMessage(`${left.length} requests are left`)
    })
  )
).pipe(Effect.scoped)

const others = (synchronous: "NORMAL" | "FULL") =>
  Effect.gen(function* () {
    const queue = yield* plainjob(yield* newFile, synchronous)
    const added = Effect.sync(() => {
      for (let i = 0; i < COUNT; i++) queue.add("review", { job: `job ${i}` })
    })
    return yield* millisEach(COUNT, Effect.zipRight(added, processed(queue, COUNT)))
  }).pipe(Effect.scoped)

export const processing: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  const full = yield* compare({ rounds: 3 }, ours, others("FULL"))
  const normal = yield* compare({ rounds: 3 }, ours, others("NORMAL"))
  return [
    rowOf(`one of ${COUNT.toLocaleString("en")} requests, submitted and reviewed, to plainjob at \`FULL\``, full, 0.67),
    rowOf("- to plainjob as it comes: a power cut may lose it", normal, undefined)
  ]
})
