/**
 * The tables of the store in an SQL database, made and brought up to date.
 *
 * @internal
 */
import * as Migrator from "@effect/sql/Migrator"
import { SqlClient } from "@effect/sql/SqlClient"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { HealingStoreError } from "../HealingError.js"
import * as PostgresTables from "./PostgresTables.js"
import * as SqliteTables from "./SqliteTables.js"
import { type Place, storeError } from "./SqlProblem.js"

const TABLE = "healing_migrations"

const migrate = (migrations: ReadonlyArray<Migrator.ResolvedMigration>) =>
  Migrator.make({})({ loader: Effect.succeed(migrations), table: TABLE })

/**
 * Those who come at the same time wait for the first. The lock ends with the transaction, in which everything is. The migrator looks for its
 * table by a statement that fails if it is not there, which would end the transaction.
 */
const migratePostgres = (sql: SqlClient) =>
  sql.withTransaction(
    sql`SELECT pg_advisory_xact_lock(hashtextextended('effect-healing ' || current_schema(), 0))`.pipe(
      Effect.zipRight(
        sql.unsafe(`CREATE TABLE IF NOT EXISTS ${TABLE} (
          migration_id INTEGER PRIMARY KEY,
          created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
          name TEXT NOT NULL
        )`)
      ),
      Effect.zipRight(migrate(PostgresTables.migrations))
    )
  )

const Latest = Schema.Tuple(Schema.Struct({ number: Schema.Int }))

const versionOf = (sql: SqlClient) =>
  sql`SELECT MAX(migration_id) AS number FROM healing_migrations`.pipe(
    Effect.flatMap(Schema.decodeUnknown(Latest)),
    Effect.map(([{ number }]) => number)
  )

const isMigrated = (sql: SqlClient): Effect.Effect<boolean> =>
  versionOf(sql).pipe(
    Effect.map((version) => version >= KNOWN),
    // There is no such table yet.
    Effect.orElseSucceed(() => false)
  )

/**
 * The version that this package writes and reads. It is the same in each database.
 */
const KNOWN = Math.max(...SqliteTables.migrations.map(([id]) => id))

/**
 * The version of a SQLite file whose content is in PostgreSQL.
 *
 * @internal
 */
export const MOVED = 1_000_000_000

const moved = ({ file = "<file>", name }: Place) =>
  new HealingStoreError({
    reason: "Moved",
    detail:
      `What ${name} had was moved into PostgreSQL, and goes on there: use that. To go on with the file all the same, as it was: ` +
      `sqlite3 ${file} "DELETE FROM healing_migrations WHERE name = 'moved'"`
  })

/**
 * Makes the tables, or brings them up to date, unless they may only be read. It fails with the reason `TooNew` if a newer version of the package has done so.
 *
 * - `place`: what errors name.
 *
 * @internal
 */
export const open = (place: Place): Effect.Effect<void, HealingStoreError, SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    if (place.isReadOnly !== true) {
      yield* sql.onDialectOrElse({
        // To look costs no lock, which a backup would be in the way of, and no right to make tables.
        pg: () => Effect.asVoid(Effect.unlessEffect(migratePostgres(sql), isMigrated(sql))),
        orElse: () => Effect.asVoid(migrate(SqliteTables.migrations))
      })
    }
    const version = yield* versionOf(sql)
    if (version === MOVED) return yield* moved(place)
    if (version > KNOWN) {
      return yield* new HealingStoreError({
        reason: "TooNew",
        detail:
          `${place.name} has version ${version}, and this version of effect-healing knows up to ${KNOWN}, so nothing was changed in it: ` +
          "update effect-healing (npm install effect-healing@latest)"
      })
    }
    if (version < KNOWN) {
      return yield* new HealingStoreError({
        reason: "Unavailable",
        detail: `${place.name} has version ${version}, and this version of effect-healing reads ${KNOWN}: start what uses it once, which brings it up to date`
      })
    }
  }).pipe(
    // Statements that fail in the middle of a migration do so as defects.
    Effect.catchAllCause((cause) => Effect.fail(storeError(place, "cannot be opened", Cause.squash(cause))))
  )
