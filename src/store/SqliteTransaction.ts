/**
 * Statements as one transaction of SQLite.
 *
 * @internal
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Transact } from "./Transact.js"

/**
 * As a transaction of this connection. Whoever runs it does so uninterruptibly.
 *
 * @internal
 */
export const inTransaction = <A, E>(
  connection: Connection,
  statements: Effect.Effect<A, E>
): Effect.Effect<A, E | SqlError> =>
  connection.execute("BEGIN IMMEDIATE", [], undefined).pipe(
    Effect.zipRight(statements),
    Effect.zipLeft(connection.execute("COMMIT", [], undefined)),
    Effect.onExit((exit) =>
      // The database may have done so by itself already.
      Exit.isSuccess(exit) ? Effect.void : Effect.ignore(connection.execute("ROLLBACK", [], undefined))
    )
  )

/**
 * `withTransaction` of the client is not used: for it a commit that fails, as on a full disk, is a defect.
 *
 * @internal
 */
export const make =
  (sql: SqlClient): Transact =>
  (use) =>
    Effect.flatMap(sql.reserve, (connection) => inTransaction(connection, use(connection))).pipe(
      Effect.scoped,
      Effect.uninterruptible
    )

/**
 * Each statement is a transaction already.
 *
 * @internal
 */
export const one =
  (sql: SqlClient): Transact =>
  (use) =>
    Effect.flatMap(sql.reserve, use).pipe(Effect.scoped, Effect.uninterruptible)
