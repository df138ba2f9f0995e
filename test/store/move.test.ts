/** What a SQLite file has goes into PostgreSQL, whatever it is. */

import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { SqlClient } from "@effect/sql"
import { PgClient } from "@effect/sql-pg"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Runtime } from "effect"
import * as FastCheck from "effect/FastCheck"
import { HealingStore } from "effect-healing"
import * as PostgresClient from "../../src/store/PostgresClient.js"
import { hasPostgres, makeSchema, urlOf } from "../support/postgres.js"
import { parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"
import { aRequest, insert, openStore } from "../support/storeSamples.js"

const RUNS = runsOf({ few: 4, many: 100 })

const postgresAt = (schema: string) => PgClient.layer({ url: Redacted.make(urlOf(schema)), maxConnections: 1 })

/** A file of an empty store, which nobody uses, and a schema. */
const makeWorld = Effect.gen(function* () {
  const folder = yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())
  const filename = `${folder}/healing.db`
  yield* Effect.scoped(openStore(HealingStore.layerSqlite(filename)))
  const client = yield* Layer.build(postgresAt(yield* makeSchema))
  return {
    filename,
    postgres: Layer.succeedContext(client),
    sql: yield* PostgresClient.over(Context.get(client, SqlClient.SqlClient)),
    move: Effect.provide(HealingStore.moveSqlite(filename), client)
  }
})

/** Does something with the file that a store would not do. */
const inFile = <A, E, R>(filename: string, use: Effect.Effect<A, E, R>) =>
  Effect.provide(use, SqliteClient.layer({ filename, disableWAL: true }))

/** Each table that a store has in a file. */
const tables = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<{
      readonly name: string
    }>`SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'healing_%' ORDER BY name`,
    (rows) =>
      rows
        .map(({ name }) => name)
        .filter((name) => !["healing_migrations", "healing_owner", "healing_lock"].includes(name))
  )
)

interface Column {
  readonly name: string
  readonly type: string
  readonly notnull: number
}

const columnsOf = (table: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql<Column>`SELECT name, type, "notnull" FROM pragma_table_info(${table})`
  )

const text = FastCheck.oneof(
  FastCheck.string({ unit: "grapheme" }),
  FastCheck.constantFrom("", "a\0b", "\u{10fffd}", "\u{10fffd}0\0", "'; DROP", "\\", "\u202e", "x".repeat(70_000), "{}")
)

const cell = ({ name, notnull, type }: Column, row: number): FastCheck.Arbitrary<unknown> => {
  const value: FastCheck.Arbitrary<unknown> =
    type === "TEXT"
      ? // Those of which there is one for each.
        ["job", "id", "channel", "kind", "subject"].includes(name)
        ? FastCheck.string({ unit: "grapheme", maxLength: 40 }).map((text) => `${text}\0${row}`)
        : text
      : type === "REAL" || name === "cooldown"
        ? FastCheck.double({ noNaN: true, noDefaultInfinity: true })
        : ["number", "request", "id"].includes(name)
          ? FastCheck.constant(row + 1)
          : FastCheck.maxSafeInteger()
  return notnull === 1 || ["number", "id"].includes(name) ? value : FastCheck.option(value)
}

/** Rows of any content for each table, as the columns allow it. */
const contentOf = (columns: ReadonlyMap<string, ReadonlyArray<Column>>) =>
  FastCheck.record(
    Object.fromEntries(
      Array.from(columns, ([table, all]) => {
        const rows = Array.from(
          { length: table === "healing_queue" || table === "healing_suggestion_stop" ? 1 : 3 },
          (_, row) => FastCheck.record(Object.fromEntries(all.map((column) => [column.name, cell(column, row)])))
        )
        return [table, FastCheck.tuple(...rows).chain((rows) => FastCheck.subarray(rows))]
      })
    )
  )

const sorted = (rows: ReadonlyArray<unknown>) =>
  rows.map((row) => JSON.stringify(row, Object.keys(row as object).sort())).sort()

describe.skipIf(!hasPostgres)("moving a SQLite file into PostgreSQL", () => {
  it.scopedLive(
    "takes along every row of every table as it is, and leaves the file with a mark",
    () =>
      Effect.gen(function* () {
        const { filename } = yield* makeWorld
        const names = yield* inFile(filename, tables)
        const columns = new Map(
          yield* inFile(
            filename,
            Effect.forEach(names, (name) => Effect.map(columnsOf(name), (columns) => [name, columns] as const))
          )
        )
        assert.isAtLeast(names.length, 15)
        const runtime = yield* Effect.runtime<never>()
        const check = (content: Readonly<Record<string, ReadonlyArray<Record<string, unknown>>>>) =>
          Effect.gen(function* () {
            const world = yield* makeWorld
            yield* inFile(
              world.filename,
              Effect.flatMap(SqlClient.SqlClient, (sql) =>
                Effect.forEach(
                  Object.entries(content).filter(([, rows]) => rows.length > 0),
                  // Each value fits its column.
                  ([table, rows]) =>
                    sql`INSERT INTO ${sql(table)} ${sql.insert(rows as Array<Record<string, string>>)}`,
                  { discard: true }
                )
              )
            )
            const moved = yield* world.move
            assert.strictEqual(moved, Object.values(content).flat().length)
            const { sql } = world
            for (const [table, rows] of Object.entries(content)) {
              assert.deepStrictEqual(sorted(yield* sql`SELECT * FROM ${sql(table)}`), sorted(rows), table)
            }
            const opened = yield* Effect.flip(openStore(HealingStore.layerSqlite(world.filename)))
            assert.strictEqual(opened._tag === "HealingStoreError" && opened.reason, "Moved")
          }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))
        yield* Effect.promise(() =>
          FastCheck.assert(
            restingProperty(contentOf(columns), (content) => Runtime.runPromise(runtime)(check(content))),
            parameters(RUNS, "test/store/move.test.ts")
          )
        )
      }).pipe(Effect.provide(NodeContext.layer)),
    patienceFor(RUNS)
  )

  it.scopedLive("goes on there where the file was, many pages later", () =>
    Effect.gen(function* () {
      const { filename, move, postgres } = yield* makeWorld
      const COUNT = 1234
      yield* Effect.flatMap(openStore(HealingStore.layerSqlite(filename)), ({ commit }) =>
        commit(Array.from({ length: COUNT }, (_, index) => insert(aRequest(index + 1, { job: `${index}` }))))
      ).pipe(Effect.scoped)
      assert.strictEqual(yield* move, COUNT)
      const store = yield* openStore(Layer.provide(HealingStore.layerSql, postgres))
      assert.strictEqual(yield* store.lastNumber, COUNT)
      yield* store.commit([insert(aRequest(COUNT + 1, { job: "new" }))])
      const error = yield* Effect.flip(move)
      assert.strictEqual(error.reason, "Moved", "a second time")
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive(
    "moves nothing if a process uses the file, a table is in use, a row does not fit, or there is no file",
    () =>
      Effect.gen(function* () {
        const { filename, move, postgres, sql } = yield* makeWorld
        yield* Effect.scoped(
          Effect.gen(function* () {
            const store = yield* openStore(HealingStore.layerSqlite(filename))
            yield* store.commit([insert(aRequest(1))])
            assert.strictEqual((yield* Effect.flip(move)).reason, "Owned")
          })
        )
        yield* inFile(
          filename,
          Effect.flatMap(SqlClient.SqlClient, (sql) => sql`UPDATE healing_requests SET submitted_at = 'yesterday'`)
        )
        const unfit = yield* Effect.flip(move)
        assert.match(unfit.message, /row 1 of healing_requests .* submitted_at .* no bigint/)
        assert.deepStrictEqual(yield* sql`SELECT * FROM healing_requests`, [])
        yield* inFile(
          filename,
          Effect.flatMap(SqlClient.SqlClient, (sql) => sql`UPDATE healing_requests SET submitted_at = 1`)
        )
        yield* sql`INSERT INTO healing_watched (job, watched) VALUES ('A', 1)`
        assert.include((yield* Effect.flip(move)).message, "healing_watched")
        yield* sql`DELETE FROM healing_watched`
        yield* Effect.scoped(
          Effect.gen(function* () {
            const store = yield* openStore(Layer.provide(HealingStore.layerSql, postgres))
            assert.include((yield* Effect.flip(move)).message, "is in use")
            yield* store.commit([{ _tag: "Watched", watched: new Map() }])
          })
        )
        assert.strictEqual(yield* move, 1)
        const nowhere = yield* Effect.flip(
          Effect.provideService(HealingStore.moveSqlite(`${filename}.other`), SqlClient.SqlClient, sql)
        )
        assert.include(nowhere.message, "There is no file")
        assert.isFalse(yield* Effect.flatMap(FileSystem.FileSystem, (files) => files.exists(`${filename}.other`)))
      }).pipe(Effect.provide(NodeContext.layer))
  )
})
