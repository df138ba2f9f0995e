/**
 * Statements as texts. They are given to the connection as they are, which takes a fifth of the time that making them anew for each row
 * would.
 *
 * @internal
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import { type HealingStoreError, unexpectedState } from "../HealingError.js"
import { isConstraint } from "./SqlProblem.js"

/** @internal */
export const textOf = (statement: { readonly compile: () => readonly [sql: string, params: unknown] }): string =>
  statement.compile()[0]

/**
 * A value for each column, in the place of those that come later.
 *
 * @internal
 */
export const placeholders = (columns: ReadonlyArray<string>): Record<string, number> =>
  Record.fromEntries(columns.map((column) => [column, 0]))

/**
 * An instant that rows are compared with, in whole milliseconds: PostgreSQL takes no others, and nothing endless.
 *
 * @internal
 */
export const instant = (at: number): number =>
  Math.floor(Math.max(Number.MIN_SAFE_INTEGER, Math.min(at, Number.MAX_SAFE_INTEGER)))

/**
 * An INSERT into a table whose rows are numbered in the order in which they are written. The number is the next one after the highest, as
 * SQLite gives it: a sequence of PostgreSQL would leave gaps behind what is rolled back.
 *
 * @internal
 */
export const numbered = (sql: SqlClient, table: string, columns: ReadonlyArray<string>): string =>
  textOf(
    sql`INSERT INTO ${sql(table)} (number, ${sql.csv(columns.map((column) => sql`${sql(column)}`))})
      VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM ${sql(table)}), ${sql.csv(columns.map(() => sql`${0}`))})`
  )

/**
 * What an upsert sets: each column to what would have been inserted.
 *
 * @internal
 */
export const excluded = (sql: SqlClient, columns: ReadonlyArray<string>): Fragment =>
  sql.csv(columns.map((column) => sql`${sql(column)} = excluded.${sql(column)}`))

/**
 * A row that is there already is in the way. PostgreSQL answers nothing more until the transaction is rolled back, so that what stands there
 * is asked for after it.
 *
 * - `text`, `params`: of the query for the state of the row.
 * - `id`, `expected`: of what is written, and how it should have been.
 *
 * @internal
 */
export class Conflict extends Data.TaggedError("Conflict")<{
  readonly text: string
  readonly params: ReadonlyArray<number>
  readonly id: string
  readonly expected: string
}> {}

/**
 * - `why`: what has failed, if a row that is there already is in the way.
 *
 * @internal
 */
export const orConflict =
  (why: ConstructorParameters<typeof Conflict>[0]) =>
  <A, E>(written: Effect.Effect<A, E | SqlError>): Effect.Effect<A, Conflict | E | SqlError> =>
    Effect.mapError(written, (error) => (isConstraint(error) ? new Conflict(why) : error))

/**
 * Fails with the state in which a row was found, of those that a query for its state returns, and the one that was expected.
 *
 * @internal
 */
export const failUnexpected = (
  found: Effect.Effect<ReadonlyArray<unknown>, SqlError>,
  id: string,
  expected: string
): Effect.Effect<never, HealingStoreError | SqlError> =>
  Effect.flatMap(found, ([row]) =>
    Effect.fail(unexpectedState(id, expected, Predicate.hasProperty(row, "state") ? String(row.state) : "not there"))
  )
