/**
 * Moves what a SQLite file has into a PostgreSQL database.
 *
 * @internal
 */
import { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import { SqlClient } from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { HealingStoreError } from "../HealingError.js"
import * as PostgresClient from "./PostgresClient.js"
import * as PostgresEpoch from "./PostgresEpoch.js"
import * as SqlDatabase from "./SqlDatabase.js"
import * as SqliteFile from "./SqliteFile.js"
import { inClient, inFile, storeError, typed } from "./SqlProblem.js"
import * as SqlTables from "./SqlTables.js"

/** All that this package keeps. Who owns the file is not among it. */
const TABLES = [
  "healing_requests",
  "healing_queue",
  "healing_occurrences",
  "healing_watched",
  "healing_suggestions",
  "healing_suggestion_steps",
  "healing_applications",
  "healing_suggestion_stop",
  "healing_automatic_changes",
  "healing_outbox",
  "healing_notices",
  "healing_told",
  "healing_failing",
  "healing_muted",
  "healing_run_counts"
] as const

/** Rows that are read and written at once. PostgreSQL takes 65,535 values in a statement. */
const AT_ONCE = 500

const Columns = Schema.NonEmptyArray(Schema.Struct({ name: Schema.String, type: Schema.String }))

type Columns = typeof Columns.Type

type Failed = HealingStoreError | ParseError | SqlError

const refused = (detail: string) => new HealingStoreError({ reason: "Unavailable", detail })

/** Whether a column of this type takes it. */
const fits = (type: string, value: unknown): boolean => {
  if (value === null) return true
  if (type === "text") return typeof value === "string"
  return type === "double precision" ? typeof value === "number" : Number.isSafeInteger(value)
}

type Row = Readonly<Record<string, unknown>>

/** SQLite takes anything in each column, and what somebody else has written there may be no number. */
const misfit = (file: string, table: string, columns: Columns, row: Row) => {
  const wrong = columns.find(({ name, type }) => !fits(type, row[name]))
  return wrong === undefined
    ? Effect.void
    : refused(
        `The row ${row.healing_row} of ${table} in ${file} has in ${wrong.name} what is no ${wrong.type}, so nothing was moved: ` +
          `see it (sqlite3 ${file} "SELECT * FROM ${table} WHERE rowid = ${row.healing_row}"), mend or delete it, and move again`
      )
}

const columnsOf = (sql: SqlClient, table: string): Effect.Effect<Columns, ParseError | SqlError> =>
  Effect.flatMap(
    sql`SELECT column_name::text AS name, data_type::text AS type FROM information_schema.columns
      WHERE table_schema = current_schema() AND table_name = ${table} ORDER BY ordinal_position`,
    Schema.decodeUnknown(Columns)
  )

/** Returns how many rows there were. */
const copyTable = (
  file: string,
  from: SqlClient,
  to: SqlClient,
  connection: Connection,
  table: string,
  columns: Columns
): Effect.Effect<number, Failed> => {
  const copyAfter = (after: number, copied: number): Effect.Effect<number, Failed> =>
    Effect.gen(function* () {
      const rows = yield* from<Row>`SELECT rowid AS healing_row, * FROM ${from(table)}
        WHERE rowid > ${after} ORDER BY rowid LIMIT ${AT_ONCE}`
      const last = Number(rows.at(-1)?.healing_row)
      if (rows.length === 0) return copied
      if (!Number.isSafeInteger(last)) {
        return yield* refused(`${table} in ${file} has rows whose numbers are too high (rowid), so nothing was moved`)
      }
      yield* Effect.forEach(rows, (row) => misfit(file, table, columns, row), { discard: true })
      const cells = rows.map((row) => Object.fromEntries(columns.map(({ name }) => [name, row[name]])))
      const [text, params] = to`INSERT INTO ${to(table)} ${to.insert(cells)}`.compile()
      yield* Effect.mapError(connection.execute(text, params, undefined), (error) =>
        refused(
          `PostgreSQL does not take the rows ${rows[0]?.healing_row} to ${last} of ${table} in ${file}, so nothing was moved. ` +
            storeError(inClient, "cannot be written", error).message
        )
      )
      return yield* copyAfter(last, copied + rows.length)
    })
  return copyAfter(Number.MIN_SAFE_INTEGER, 0)
}

type Run = (statement: string) => Effect.Effect<ReadonlyArray<unknown>, SqlError>

const isEmpty = (run: Run): Effect.Effect<void, HealingStoreError | SqlError> =>
  Effect.flatMap(
    Effect.filter(TABLES, (table) => Effect.map(run(`SELECT 1 FROM ${table} LIMIT 1`), (rows) => rows.length > 0)),
    (full) =>
      full.length === 0
        ? Effect.void
        : refused(
            `The database of the SqlClient has something in ${full.join(", ")} already, so nothing was moved: ` +
              "name an empty schema or database"
          )
  )

/** Whether it is empty, and nobody uses it. */
const isFree = (to: SqlClient): Effect.Effect<void, HealingStoreError | SqlError> => {
  const run: Run = (statement) => to.unsafe(statement)
  return Effect.flatMap(PostgresEpoch.current(run), (found) =>
    found === undefined || found.holder === null
      ? isEmpty(run)
      : refused(
          `The database of the SqlClient is in use (${found.holder}), so nothing was moved: stop that process. If it is gone already, and ` +
            "has not closed the database: UPDATE healing_epoch SET holder = NULL"
        )
  )
}

/** What is in both would be done twice. */
const mark = (file: string, from: SqlClient): Effect.Effect<void, HealingStoreError> =>
  from`INSERT INTO healing_migrations (migration_id, name) VALUES (${SqlTables.MOVED}, 'moved')`.pipe(
    Effect.catchAll((error) =>
      refused(
        `All of ${file} is in PostgreSQL now, but the file could not be marked, so that it could be used as well: move it away. ` +
          storeError(inFile(file), "cannot be written", error).message
      )
    ),
    Effect.asVoid
  )

/**
 * Moves it in one transaction, and marks the file, which is not opened again then. Returns how many rows there were.
 *
 * @internal
 */
export const move = (filename: string): Effect.Effect<number, HealingStoreError, SqlClient | FileSystem | Path> =>
  Effect.gen(function* () {
    const client = yield* SqlClient
    if (client.onDialectOrElse({ pg: () => false, orElse: () => true })) {
      return yield* new HealingStoreError({
        reason: "Unsupported",
        detail: "The content of a SQLite file is moved into PostgreSQL only: give a client of @effect/sql-pg"
      })
    }
    // To open it would make it.
    if (!(yield* Effect.flatMap(FileSystem, (files) => files.exists(filename)))) {
      return yield* refused(`There is no file ${filename}, so nothing was moved: name that of healing requests`)
    }
    const { sql: from } = yield* SqliteFile.open(filename)
    const to = yield* PostgresClient.over(client)
    yield* Effect.provideService(SqlTables.open(inClient), SqlClient, to)
    yield* isFree(to)
    const tables = yield* Effect.forEach(TABLES, (table) =>
      Effect.map(columnsOf(to, table), (columns) => ({ table, columns }))
    )
    // Not before: it takes the database from a process that uses it.
    const { transact } = yield* SqlDatabase.open(client, inClient)
    const counts = yield* transact((connection) =>
      Effect.zipRight(
        isEmpty((statement) => connection.execute(statement, [], undefined)),
        Effect.forEach(tables, ({ columns, table }) => copyTable(filename, from, to, connection, table, columns))
      )
    )
    yield* mark(filename, from)
    return counts.reduce((sum, count) => sum + count, 0)
  }).pipe(Effect.scoped, typed(inClient)("cannot take what the file has"))
