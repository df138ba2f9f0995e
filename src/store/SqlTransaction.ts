/**
 * Statements as one transaction of a connection.
 *
 * @internal
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/**
 * `withTransaction` of the client is not used: for it a commit that fails, as on a full disk, is a defect. Whoever runs it does so
 * uninterruptibly.
 *
 * @internal
 */
export const inTransaction = (sql: SqlClient) => {
  const begin = sql.onDialectOrElse({ sqlite: () => "BEGIN IMMEDIATE", orElse: () => "BEGIN" })
  return <E>(connection: Connection, statements: Effect.Effect<unknown, E>): Effect.Effect<void, E | SqlError> =>
    connection.execute(begin, [], undefined).pipe(
      Effect.zipRight(statements),
      Effect.zipRight(connection.execute("COMMIT", [], undefined)),
      Effect.onExit((exit) =>
        // The database may have done so by itself already.
        Exit.isSuccess(exit) ? Effect.void : Effect.ignore(connection.execute("ROLLBACK", [], undefined))
      ),
      Effect.asVoid
    )
}
