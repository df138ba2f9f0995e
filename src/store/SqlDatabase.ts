/**
 * The databases that the store speaks to.
 *
 * @internal
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { HealingStoreError } from "../HealingError.js"
import * as PostgresClient from "./PostgresClient.js"
import * as PostgresTransaction from "./PostgresTransaction.js"
import * as SqliteTransaction from "./SqliteTransaction.js"
import type { Place } from "./SqlProblem.js"
import type { Transact } from "./Transact.js"

/**
 * - `sql`: a client that renames nothing.
 * - `transact`: writes with it.
 * - `transactOne`: the same for what is one statement.
 *
 * @internal
 */
export interface SqlDatabase {
  readonly sql: SqlClient
  readonly transact: Transact
  readonly transactOne: Transact
}

/**
 * It fails if the client is of another database than SQLite and PostgreSQL.
 *
 * - `place`: what the error names.
 *
 * @internal
 */
export const of = (client: SqlClient, place: Place): Effect.Effect<SqlDatabase, HealingStoreError> =>
  client.onDialectOrElse({
    sqlite: () => {
      const sql = client.withoutTransforms()
      return Effect.succeed<SqlDatabase>({
        sql,
        transact: SqliteTransaction.make(sql),
        transactOne: SqliteTransaction.one(sql)
      })
    },
    pg: () =>
      Effect.map(PostgresClient.over(client), (sql) => {
        const transact = PostgresTransaction.make(sql)
        return { sql, transact, transactOne: transact }
      }),
    orElse: () =>
      new HealingStoreError({
        reason: "Unsupported",
        detail: `${place.name} is neither SQLite nor PostgreSQL: give a client of @effect/sql-sqlite-node or @effect/sql-pg`
      })
  })
