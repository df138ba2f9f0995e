/**
 * A client of PostgreSQL as the store needs it: it takes each text, and gives numbers as numbers.
 *
 * @internal
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

// -----------------------------------------------------------------------------
// Texts
// -----------------------------------------------------------------------------

/** PostgreSQL keeps every character but NUL. The last one that Unicode leaves to private use stands for it, and for itself, with a digit behind it. */
const MARK = "\u{10fffd}"

const toText = (value: unknown): unknown =>
  typeof value === "string" && /[\0\u{10fffd}]/u.test(value)
    ? value.replaceAll(MARK, `${MARK}1`).replaceAll("\0", `${MARK}0`)
    : value

const fromText = (value: string): string =>
  value.includes(MARK) ? value.replaceAll(`${MARK}0`, "\0").replaceAll(`${MARK}1`, MARK) : value

// -----------------------------------------------------------------------------
// Rows
// -----------------------------------------------------------------------------

/**
 * The types of numbers, as the table `pg_type` of each server numbers them: BIGINT, SMALLINT, INTEGER, REAL and DOUBLE PRECISION. Drivers give a
 * BIGINT as a text, since it may be too long for a number, and clients may be set to do so with the others.
 */
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 700, 701])

type Row = Readonly<Record<string, unknown>>

/** What drivers tell of the result of a statement: `pg` and those that follow it. */
const Result = Schema.Struct({
  rows: Schema.Array(Schema.Record({ key: Schema.String, value: Schema.Unknown })),
  fields: Schema.Array(Schema.Struct({ name: Schema.String, dataTypeID: Schema.Int }))
})

const isResult = Schema.is(Result)

const toCell = (isNumber: boolean, value: unknown): unknown => {
  if (typeof value === "bigint") return Number(value)
  if (typeof value !== "string") return value
  return isNumber ? Number(value) : fromText(value)
}

const rowsOf = ({ fields, rows }: typeof Result.Type): ReadonlyArray<Row> => {
  const columns = fields.map(({ dataTypeID, name }) => ({ name, isNumber: NUMBERS.has(dataTypeID) }))
  return rows.map((row) => Object.fromEntries(columns.map(({ isNumber, name }) => [name, toCell(isNumber, row[name])])))
}

const rowsFrom = (raw: unknown): Effect.Effect<ReadonlyArray<Row>, SqlError> => {
  // Several statements in one text have several results.
  const result: unknown = Array.isArray(raw) ? raw.at(-1) : raw
  return isResult(result)
    ? Effect.succeed(rowsOf(result))
    : Effect.fail(new SqlError({ cause: new Error("the client does not answer as @effect/sql-pg does: use that one") }))
}

// -----------------------------------------------------------------------------
// The client
// -----------------------------------------------------------------------------

/**
 * - `run`: runs a statement, and returns what the driver does.
 */
const connectionOf = (
  run: (text: string, params: ReadonlyArray<unknown>) => Effect.Effect<unknown, SqlError>
): Connection => {
  const executeRaw: Connection["executeRaw"] = (text, params) => run(text, params.map(toText))
  const execute = (text: string, params: ReadonlyArray<unknown>) => Effect.flatMap(executeRaw(text, params), rowsFrom)
  return {
    execute,
    executeRaw,
    executeUnprepared: execute,
    executeValues: (text, params) => Effect.map(execute(text, params), (rows) => rows.map((row) => Object.values(row))),
    executeStream: (text, params) => Stream.fromIterableEffect(execute(text, params))
  }
}

const compiler = Statement.makeCompiler({
  dialect: "pg",
  placeholder: (index) => `$${index}`,
  onIdentifier: Statement.defaultEscape('"'),
  onRecordUpdate: (placeholders, alias, columns, values) => [
    `(values ${placeholders}) AS ${alias}${columns}`,
    values.flat()
  ],
  onCustom: () => ["", []]
})

/** The part of a client of `pg` that a reserved connection of @effect/sql-pg has. */
interface Ending {
  readonly end: () => Promise<void>
}

const hasClient = (connection: object): connection is { readonly pg: Ending } =>
  Predicate.hasProperty(connection, "pg") && Predicate.hasProperty(connection.pg, "end")

/** Ends it with whatever it does now, so that the pool does not give it to anybody else. */
const end = (connection: object): Effect.Effect<void> =>
  Effect.sync(() => {
    if (hasClient(connection)) connection.pg.end().catch(() => {})
  })

/** A server that has not answered for so long is as good as gone. Nobody could end the wait: it is uninterruptible. */
const LONGEST = Duration.seconds(30)

/** Ends the connection if the statement takes too long, which then fails. */
const limited =
  (connection: object) =>
  <A, E>(statement: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.acquireUseRelease(
      Effect.forkDaemon(Effect.interruptible(Effect.delay(end(connection), LONGEST))),
      () => statement,
      Fiber.interruptFork
    )

const ending: unique symbol = Symbol.for("effect-healing/PostgresClient/ending")

/** One that can be ended. */
interface Reserved extends Connection {
  readonly [ending]: Effect.Effect<void>
}

const isReserved = (connection: Connection): connection is Reserved => ending in connection

/**
 * Ends a reserved connection, of which is not known what state it is in.
 *
 * @internal
 */
export const endConnection = (connection: Connection): Effect.Effect<void> =>
  isReserved(connection) ? connection[ending] : Effect.void

const reservedOf = (reserved: Connection): Reserved => ({
  ...connectionOf((text, params) => limited(reserved)(reserved.executeRaw(text, params))),
  [ending]: end(reserved)
})

/**
 * The client, without what it does to names and types.
 *
 * @internal
 */
export const over = (client: SqlClient.SqlClient): Effect.Effect<SqlClient.SqlClient> =>
  SqlClient.make({
    acquirer: Effect.succeed(
      connectionOf((text, params) => Effect.withTracerEnabled(client.unsafe(text, params).raw, false))
    ),
    transactionAcquirer: Effect.map(
      // Interrupted, the client would lose the connection that it waits for.
      Effect.uninterruptible(client.reserve),
      reservedOf
    ),
    compiler,
    spanAttributes: [["db.system.name", "postgresql"]]
  }).pipe(Effect.provide(Reactivity.layer))
