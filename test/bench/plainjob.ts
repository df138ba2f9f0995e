/**
 * plainjob, which does for jobs in general what the queue does for reviews.
 */
import Database from "better-sqlite3"
import { Effect } from "effect"
import { better, defineQueue, defineWorker } from "plainjob"

const logger = { error: console.error, warn() {}, info() {}, debug() {} }

/** As it comes, or with commits that survive a power cut, as those of ours do. */
export const plainjob = (filename: string, synchronous: "NORMAL" | "FULL") =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const database = new Database(filename)
      const queue = defineQueue({ connection: better(database), logger })
      database.pragma(`synchronous = ${synchronous}`)
      return queue
    }),
    (queue) => Effect.sync(() => queue.close())
  )

export type Plainjob = ReturnType<typeof defineQueue>

/** Until so many have been processed, by a handler that does nothing. */
export const processed = (queue: Plainjob, count: number): Effect.Effect<void> =>
  Effect.promise(async () => {
    let left = count
    const worker = defineWorker("review", () => {}, { queue, logger, onCompleted: () => --left === 0 && worker.stop() })
    await worker.start()
  })
