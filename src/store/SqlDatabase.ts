/**
 * The databases that the store speaks to.
 *
 * @internal
 */
import { SqlClient } from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { HealingStoreError } from "../HealingError.js"
import * as SafeLog from "../internal/SafeLog.js"
import * as PostgresClient from "./PostgresClient.js"
import * as PostgresEpoch from "./PostgresEpoch.js"
import * as PostgresTransaction from "./PostgresTransaction.js"
import * as SqliteTransaction from "./SqliteTransaction.js"
import { type Place, typed } from "./SqlProblem.js"
import * as SqlTables from "./SqlTables.js"
import type { Transact } from "./Transact.js"

/**
 * - `sql`: a client that renames nothing.
 * - `transact`: writes with it.
 * - `transactOne`: the same for what is one statement.
 * - `check`: as that of a `Journal`.
 *
 * @internal
 */
export interface SqlDatabase {
  readonly sql: SqlClient
  readonly transact: Transact
  readonly transactOne: Transact
  readonly check: Effect.Effect<void, HealingStoreError> | undefined
}

const tables = (sql: SqlClient, place: Place) => Effect.provideService(SqlTables.open(place), SqlClient, sql)

const sqlite = (client: SqlClient, place: Place): Effect.Effect<SqlDatabase, HealingStoreError> => {
  const sql = client.withoutTransforms()
  return Effect.as(tables(sql, place), {
    sql,
    transact: SqliteTransaction.make(sql),
    transactOne: SqliteTransaction.one(sql),
    check: undefined
  })
}

/** Time for a process that has lost the database: it looks each second while it reviews something, and ends that review then. */
const UNTIL_NOTICED = Duration.seconds(3)

/** A server that does not answer is not to keep a process from its end. */
const released = <E>(release: Effect.Effect<void, E>): Effect.Effect<void> =>
  release.pipe(Effect.interruptible, Effect.timeout("2 seconds"), Effect.ignore)

const postgres = (client: SqlClient, place: Place): Effect.Effect<SqlDatabase, HealingStoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const sql = yield* PostgresClient.over(client)
    yield* tables(sql, place)
    const { epoch, former } = yield* typed(place)("cannot be opened")(PostgresEpoch.take(sql))
    yield* Effect.addFinalizer(() => released(PostgresEpoch.release(sql, epoch)))
    if (former !== null) {
      yield* SafeLog.warn(
        `${place.name} was not closed by the process that had opened it before (${former}). If that still runs, it ends its reviews now, ` +
          "for which this process waits, and writes nothing any more"
      )
      yield* Effect.sleep(UNTIL_NOTICED)
    }
    const transact = PostgresTransaction.make(sql, { epoch, place })
    return { sql, transact, transactOne: transact, check: PostgresEpoch.check(sql, place, epoch) }
  })

/**
 * Opens it, with its tables. It fails if the client is of another database than SQLite and PostgreSQL.
 *
 * - `place`: what errors name.
 *
 * @internal
 */
export const open = (client: SqlClient, place: Place): Effect.Effect<SqlDatabase, HealingStoreError, Scope.Scope> =>
  client.onDialectOrElse({
    sqlite: () => sqlite(client, place),
    pg: () => postgres(client, place),
    orElse: () =>
      new HealingStoreError({
        reason: "Unsupported",
        detail: `${place.name} is neither SQLite nor PostgreSQL: give a client of @effect/sql-sqlite-node or @effect/sql-pg`
      })
  })
