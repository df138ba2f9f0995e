/** What a file and its log come to over a long time. */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Reactivity } from "@effect/experimental"
import { NodeContext } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import Database from "better-sqlite3"
import { Effect, Option, TestClock } from "effect"
import { connect } from "../../src/store/SqliteConnection.js"
import * as SqliteFile from "../../src/store/SqliteFile.js"
import * as SqliteUpkeep from "../../src/store/SqliteUpkeep.js"
import { inFile } from "../../src/store/SqlProblem.js"
import { settle } from "../support/gateWorld.js"
import { ended, insert } from "../support/storeSamples.js"

const MEGABYTE = 1024 * 1024

const tempFile = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-healing-upkeep-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => join(folder, "healing.db")
)

const sizeOf = (path: string) => statSync(path).size

const big = (number: number) => insert(ended(number, number, { report: { summary: "x".repeat(20_000) } }))

/** So many megabytes of reports, in commits of a megabyte. */
const fill = ({ store }: SqliteFile.SqliteFile, megabytes: number, from = 0) =>
  Effect.forEach(
    Array.from({ length: megabytes }, (_, i) => i),
    (i) => store.commit(Array.from({ length: 50 }, (_, n) => big((from + i) * 50 + n + 1)))
  )

const reader = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const database = new Database(file, { readonly: true })
      database.exec("BEGIN")
      database.prepare("SELECT COUNT(*) FROM healing_requests").get()
      return database
    }),
    (database) => Effect.sync(() => database.close())
  )

const inTemp = <E>(name: string, test: (file: string) => Effect.Effect<unknown, E, SqliteFile.Needs>) =>
  it.scoped(name, () => Effect.provide(Effect.flatMap(tempFile, test), NodeContext.layer))

inTemp("the log is short when nobody reads it", (file) =>
  Effect.gen(function* () {
    const opened = yield* SqliteFile.open(file)
    yield* fill(opened, 30)
    assert.isAtMost(sizeOf(`${file}-wal`), 16 * MEGABYTE)
    yield* TestClock.adjust("30 seconds")
    yield* settle
    assert.strictEqual(sizeOf(`${file}-wal`), 0)
    assert.deepStrictEqual(yield* opened.store.sizes, Option.some({ database: sizeOf(file), log: 0 }))
  })
)

inTemp("the log that a reader has made long is short some minutes after that has gone", (file) =>
  Effect.gen(function* () {
    const opened = yield* SqliteFile.open(file)
    yield* fill(opened, 1)
    const stalled = yield* reader(file)
    yield* fill(opened, 30, 1)
    yield* TestClock.adjust("10 minutes")
    yield* settle
    assert.isAbove(sizeOf(`${file}-wal`), 30 * MEGABYTE)
    stalled.close()
    yield* TestClock.adjust("5 minutes")
    yield* settle
    assert.strictEqual(sizeOf(`${file}-wal`), 0)
  })
)

inTemp("the log that a reader has made long is written from its start again, and cut, while writing goes on", (file) =>
  Effect.gen(function* () {
    const opened = yield* SqliteFile.open(file)
    yield* fill(opened, 1)
    const stalled = yield* reader(file)
    yield* fill(opened, 30, 1)
    assert.isAbove(sizeOf(`${file}-wal`), 30 * MEGABYTE)
    stalled.close()
    yield* fill(opened, 4, 31)
    assert.isAtMost(sizeOf(`${file}-wal`), 16 * MEGABYTE)
  })
)

inTemp("the file gives back the room of what was removed", (file) =>
  Effect.gen(function* () {
    const opened = yield* SqliteFile.open(file)
    yield* fill(opened, 30)
    yield* TestClock.adjust("30 seconds")
    yield* settle
    assert.isAbove(sizeOf(file), 28 * MEGABYTE)
    yield* Effect.repeat(opened.store.prune(1e15, 100), { until: (removed) => removed === 0 })
    yield* TestClock.adjust("30 seconds")
    yield* settle
    assert.isBelow(sizeOf(file), 2 * MEGABYTE)
    assert.strictEqual(yield* opened.store.lastNumber, 1500)
  })
)

inTemp("a file of a former version gives room back, too, unless others have tables in it", (file) =>
  Effect.gen(function* () {
    const modeAfter = (statements: string) =>
      Effect.gen(function* () {
        const old = new Database(file)
        old.exec(`PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = 0; VACUUM; ${statements}`)
        assert.strictEqual(old.pragma("auto_vacuum", { simple: true }), 0)
        old.close()
        yield* Effect.scoped(SqliteFile.open(file))
        const now = new Database(file)
        const mode = now.pragma("auto_vacuum", { simple: true })
        now.close()
        return mode
      })
    assert.strictEqual(yield* modeAfter("CREATE TABLE healing_old (id)"), 2)
    assert.strictEqual(yield* modeAfter("CREATE TABLE others (id)"), 0)
  })
)

inTemp("what breaks the upkeep once, such as a full disk, does not end it", (file) =>
  Effect.gen(function* () {
    const sql = yield* connect(inFile(file), { filename: file })
    yield* sql`CREATE TABLE healing_any (id INTEGER)`
    const identity = yield* SqliteUpkeep.identify(sql, file)
    let looks = 0
    const check = Effect.suspend(() => (++looks === 2 ? Effect.die("a full disk") : Effect.void))
    const upkeep = yield* SqliteUpkeep.make(sql, identity, check)
    for (const looksAfter of [2, 4]) {
      yield* sql`INSERT INTO healing_any VALUES (1)`
      yield* upkeep.committed(1)
      yield* TestClock.adjust("30 seconds")
      yield* settle
      assert.isAtLeast(looks, looksAfter)
    }
  }).pipe(Effect.provide(Reactivity.layer))
)
