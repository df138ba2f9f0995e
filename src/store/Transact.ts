/**
 * How something is written to an SQL database.
 *
 * @internal
 */
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type { HealingStoreError } from "../HealingError.js"

/**
 * Writes all of it or nothing, as a transaction of a connection of its own. It is uninterruptible.
 *
 * @internal
 */
export type Transact = <A, E>(
  use: (connection: Connection) => Effect.Effect<A, E>
) => Effect.Effect<A, E | HealingStoreError | SqlError>

const run = (connection: Connection, statement: Statement<unknown>) => {
  const [text, params] = statement.compile()
  return connection.execute(text, params, undefined)
}

/**
 * One statement that writes, with its rows.
 *
 * @internal
 */
export const write =
  (transact: Transact) =>
  (statement: Statement<unknown>): Effect.Effect<ReadonlyArray<unknown>, HealingStoreError | SqlError> =>
    transact((connection) => run(connection, statement))

/**
 * Several of them, each with its rows.
 *
 * @internal
 */
export const writeAll =
  (transact: Transact) =>
  (
    statements: ReadonlyArray<Statement<unknown>>
  ): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, HealingStoreError | SqlError> =>
    transact((connection) => Effect.forEach(statements, (statement) => run(connection, statement)))
