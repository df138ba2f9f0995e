/**
 * What it takes until a request is on disk.
 */
import { Effect } from "effect"
import { HealingQueue, OpenClaw } from "../../src/index.js"
import { insertPending, newFile, openRaw, withOurs } from "./disk.js"
import { plainjob } from "./plainjob.js"
import { compare, millisEach, type Row, rowOf, size } from "./ratio.js"

const COUNT = size(2000, 100)
const FIBERS = 100

/** Into a store of its own, while a job runs: no review gets in the way. */
const submitted = (count: number, concurrency: number) =>
  Effect.flatMap(newFile, (file) =>
    withOurs(
      file,
      Effect.gen(function* () {
        yield* OpenClaw.pipe(Effect.flatMap((openClaw) => openClaw.started("job")))
        const { submit } = yield* HealingQueue
        const jobs = Array.from({ length: count }, (_, i) => `job ${i}`)
        return yield* millisEach(
          count,
          Effect.forEach(jobs, (job) => submit({ job }), { concurrency, discard: true })
        )
      })
    )
  ).pipe(Effect.scoped)

const inserted = (count: number) =>
  Effect.gen(function* () {
    const file = yield* newFile
    yield* withOurs(file, Effect.void)
    const insert = insertPending(yield* openRaw(file))
    return yield* millisEach(
      count,
      Effect.sync(() => {
        for (let number = 1; number <= count; number++) insert(number)
      })
    )
  }).pipe(Effect.scoped)

const added = (count: number) =>
  Effect.gen(function* () {
    const queue = yield* plainjob(yield* newFile, "NORMAL")
    return yield* millisEach(
      count,
      Effect.sync(() => {
        for (let i = 0; i < count; i++) queue.add("review", { job: `job ${i}` })
      })
    )
  }).pipe(Effect.scoped)

export const submit: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  const one = yield* compare({ rounds: 9, warmUp: 2 }, submitted(COUNT, 1), inserted(COUNT))
  const many = yield* compare({ rounds: 9, warmUp: 2 }, submitted(5 * COUNT, FIBERS), inserted(COUNT))
  const others = yield* compare({ rounds: 9, warmUp: 2 }, submitted(5 * COUNT, FIBERS), added(5 * COUNT))
  return [
    rowOf("`submit`, one after the other, to one `INSERT` a transaction, `FULL`", one, 1.43),
    rowOf(`\`submit\` from ${FIBERS} fibers at once, to the same`, many, 0.25),
    rowOf("- to plainjob's `add`, as it comes: a power cut may lose it", others, undefined)
  ]
})
