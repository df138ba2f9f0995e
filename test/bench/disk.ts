/**
 * Stores on the disk of the repository, each in a folder of its own.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { NodeContext } from "@effect/platform-node"
import Database from "better-sqlite3"
import { Clock, Effect, Layer, Logger } from "effect"
import { Healing, type HealingQueue, type OpenClaw, Reviewed, Reviewer } from "../../src/index.js"

// Beside what was built: the folder for temporary files may well be in memory.
const disk = fileURLToPath(new URL("../../stores", import.meta.url))

/** A path for a database, which is removed again with its scope. */
export const newFile = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      mkdirSync(disk, { recursive: true })
      return mkdtempSync(join(disk, "store-"))
    }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => join(folder, "healing.db")
)

const done = Effect.succeed(Reviewed.Completed({ report: { summary: "all is well" } }))

/** Ours, with this as each review. */
export const ours = (filename: string, review: Effect.Effect<Reviewed> = done) =>
  Healing.layerSqlite({ filename, settings: { quietPeriod: 0 } }).pipe(
    Layer.provide(Layer.succeed(Reviewer, { review: () => review })),
    Layer.provide(NodeContext.layer),
    // A child prints its number, and nothing else.
    Layer.provideMerge(Logger.remove(Logger.defaultLogger))
  )

export const withOurs = <A, E>(
  filename: string,
  effect: Effect.Effect<A, E, HealingQueue | OpenClaw>
): Effect.Effect<A> => effect.pipe(Effect.provide(ours(filename)), Effect.orDie)

/** better-sqlite3 as it is, with the pragmas of ours. */
export const openRaw = (filename: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const database = new Database(filename)
      database.pragma("journal_mode = WAL")
      database.pragma("synchronous = FULL")
      return database
    }),
    (database) => Effect.sync(() => database.close())
  )

const DAY = 86_400_000

const insert = (database: Database.Database) =>
  database.prepare(`INSERT INTO healing_requests
    (number, job, state, priority, triggers, automatic, callers_only, submitted_at, attempts, starts, ended_at, report) VALUES
    (:number, :job, :state, -10, '["manual"]', 0, 0, :at, 0, '[]', :endedAt, :report)`)

/** Inserts a pending request of a job of its own into the table of ours. */
export const insertPending = (database: Database.Database): ((number: number) => void) => {
  const statement = insert(database)
  return (number) => {
    statement.run({ number, job: `job ${number}`, state: "pending", at: Date.now(), endedAt: null, report: null })
  }
}

/** A store of ours with so many requests that have ended within 80 days, and so many pending ones behind them. */
export const newStore = (finished: number, pending: number) =>
  Effect.gen(function* () {
    const file = yield* newFile
    yield* withOurs(file, Effect.void)
    const database = yield* openRaw(file)
    const completed = insert(database)
    const report = JSON.stringify({ summary: "all is well" })
    const first = (yield* Clock.currentTimeMillis) - 80 * DAY
    database.transaction(() => {
      for (let number = 1; number <= finished; number++) {
        const at = first + Math.floor((80 * DAY * number) / finished)
        completed.run({ number, job: `job ${number % 1000}`, state: "completed", at, endedAt: at, report })
      }
      const insertOne = insertPending(database)
      for (let i = 1; i <= pending; i++) insertOne(finished + i)
    })()
    database.pragma("wal_checkpoint(TRUNCATE)")
    return file
  })

export const selectPending = (database: Database.Database): ReadonlyArray<unknown> =>
  database.prepare("SELECT * FROM healing_requests WHERE state = 'pending'").all()
