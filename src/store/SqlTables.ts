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
import { type Place, storeError } from "./SqlProblem.js"

const requests = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE healing_requests (
    number INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    priority REAL NOT NULL,
    triggers TEXT NOT NULL,
    automatic INTEGER NOT NULL,
    run_id TEXT,
    note TEXT,
    callers_only INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    not_before INTEGER,
    wait_until INTEGER,
    attempts INTEGER NOT NULL,
    starts TEXT NOT NULL,
    last_start INTEGER,
    ended_at INTEGER,
    reason TEXT,
    coalesced_into TEXT,
    report TEXT
  )`
  yield* sql`CREATE UNIQUE INDEX healing_one_pending ON healing_requests (job) WHERE state = 'pending'`
  yield* sql`CREATE UNIQUE INDEX healing_one_running ON healing_requests (job) WHERE state = 'running'`
  yield* sql`CREATE INDEX healing_pending ON healing_requests (number) WHERE state = 'pending'`
  yield* sql`CREATE INDEX healing_completed ON healing_requests (ended_at, job) WHERE state = 'completed'`
  yield* sql`CREATE INDEX healing_automatic ON healing_requests (last_start) WHERE automatic = 1 AND last_start IS NOT NULL`
  yield* sql`CREATE INDEX healing_history ON healing_requests (ended_at, number) WHERE ended_at IS NOT NULL`
  yield* sql`CREATE INDEX healing_job_history ON healing_requests (job, ended_at, number) WHERE ended_at IS NOT NULL`
  yield* sql`CREATE TABLE healing_queue (
    id INTEGER PRIMARY KEY,
    paused INTEGER NOT NULL,
    rate_limited_until INTEGER,
    rate_limits INTEGER NOT NULL
  )`
})

const scheduling = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE healing_occurrences (
    number INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    first INTEGER NOT NULL,
    at INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    request INTEGER,
    reason TEXT
  )`
  yield* sql`CREATE INDEX healing_occurrences_of_job ON healing_occurrences (job, number)`
  yield* sql`CREATE INDEX healing_occurrences_by_time ON healing_occurrences (at)`
  yield* sql`ALTER TABLE healing_requests ADD COLUMN cooldown INTEGER`
  yield* sql`ALTER TABLE healing_requests ADD COLUMN signatures TEXT`
  yield* sql`CREATE INDEX healing_explained ON healing_requests (job, signatures)
    WHERE state = 'completed' AND signatures IS NOT NULL`
})

const migrations: ReadonlyArray<Migrator.ResolvedMigration> = [
  [1, "requests", Effect.succeed(requests)],
  [2, "scheduling", Effect.succeed(scheduling)]
]

const migrate = Migrator.make({})({ loader: Effect.succeed(migrations), table: "healing_migrations" })

const Latest = Schema.Tuple(Schema.Struct({ number: Schema.Int }))

/**
 * Makes the tables, or brings them up to date. It fails with the reason `TooNew` if a newer version of the package has done so.
 *
 * - `place`: what errors name.
 *
 * @internal
 */
export const open = (place: Place) =>
  Effect.gen(function* () {
    const sql = (yield* SqlClient).withoutTransforms()
    yield* migrate
    const [row] = yield* sql`SELECT MAX(migration_id) AS number FROM healing_migrations`.pipe(
      Effect.flatMap(Schema.decodeUnknown(Latest))
    )
    const known = Math.max(...migrations.map(([id]) => id))
    if (row.number > known) {
      return yield* new HealingStoreError({
        reason: "TooNew",
        detail:
          `${place.name} has version ${row.number}, and this version of effect-healing knows up to ${known}, so nothing was changed in it: ` +
          "update effect-healing (npm install effect-healing@latest)"
      })
    }
  }).pipe(
    // Statements that fail in the middle of a migration do so as defects.
    Effect.catchAllCause((cause) => Effect.fail(storeError(place, "cannot be opened", Cause.squash(cause))))
  )
