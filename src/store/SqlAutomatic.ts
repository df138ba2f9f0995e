/**
 * What rules have applied, in a table of an SQL database.
 *
 * @internal
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { HealingStoreError } from "../HealingError.js"
import { AutomaticChange, type SuggestionKey } from "../request/HealingSuggestion.js"
import { asIs, table } from "./Column.js"
import { type Place, typed as typedIn } from "./SqlProblem.js"
import { excluded, instant, placeholders, textOf } from "./SqlText.js"
import { type AutomaticJournal, DAY } from "./SuggestionJournal.js"

const { fields } = AutomaticChange

const row = table<AutomaticChange>({
  request: asIs(fields.request),
  position: asIs(fields.position),
  lead: asIs(fields.lead),
  job: asIs(fields.job),
  rule: asIs(fields.rule),
  at: asIs(fields.at),
  lockedAt: asIs(fields.lockedAt)
})

type Written = Effect.Effect<void, SqlError>

/**
 * How they are written, within a transaction.
 *
 * @internal
 */
export interface AutomaticWriter {
  readonly put: (connection: Connection, change: AutomaticChange) => Written
  readonly lock: (connection: Connection, key: SuggestionKey, at: number) => Written
  readonly unlock: (connection: Connection, job: string) => Written
  readonly move: (connection: Connection, by: number) => Written
}

/** @internal */
export const writer = (sql: SqlClient): AutomaticWriter => {
  const statements = {
    put: textOf(sql`INSERT INTO healing_automatic_changes ${sql.insert(placeholders(row.columns))}
      ON CONFLICT (request, position) DO UPDATE SET ${excluded(sql, row.columns)}`),
    lock: textOf(sql`UPDATE healing_automatic_changes SET locked_at = ${0} WHERE request = ${0} AND position = ${0}`),
    unlock: textOf(sql`UPDATE healing_automatic_changes SET locked_at = NULL WHERE job = ${""}`),
    move: textOf(sql`UPDATE healing_automatic_changes SET at = at + ${0}, locked_at = locked_at + ${0}`)
  }
  const execute = (connection: Connection, text: string, params: ReadonlyArray<unknown>): Written =>
    Effect.asVoid(connection.execute(text, params, undefined))
  return {
    put: (connection, change) => execute(connection, statements.put, row.toRow(change)),
    lock: (connection, { position, request }, at) => execute(connection, statements.lock, [at, request, position]),
    unlock: (connection, job) => execute(connection, statements.unlock, [job]),
    move: (connection, by) => execute(connection, statements.move, [by, by])
  }
}

/**
 * Those of suggestions that are there no more, and of no use for a limit or a lock.
 *
 * @internal
 */
export const forgotten = (sql: SqlClient, endedBefore: number) => sql`DELETE FROM healing_automatic_changes
  WHERE locked_at IS NULL AND at < ${instant(endedBefore - DAY)} AND NOT EXISTS (
    SELECT 1 FROM healing_suggestions AS one
    WHERE one.request = healing_automatic_changes.request AND one.position = healing_automatic_changes.position
  )`

const Count = Schema.Array(Schema.Struct({ job: Schema.String, count: Schema.Int }))

/**
 * What is asked of them. `sql` renames nothing.
 *
 * @internal
 */
export const journal = (sql: SqlClient, place: Place): AutomaticJournal => {
  const typed = typedIn(place)

  const read = (found: Readonly<Record<string, unknown>>) =>
    Either.mapLeft(
      row.fromRow(found),
      (reason) =>
        new HealingStoreError({
          reason: "Unavailable",
          detail: `What a rule has applied (${found.request}.${found.position}) cannot be read in ${place.name}: ${reason}`
        })
    )

  return {
    automatic: ({ position, request }) =>
      sql`SELECT * FROM healing_automatic_changes WHERE request = ${request} AND position = ${position}`.pipe(
        Effect.flatMap(([found]) => Effect.transposeMapOption(Option.fromNullable(found), read)),
        typed("cannot be read")
      ),
    automaticSince: (since) =>
      sql`SELECT job, COUNT(*) AS count FROM healing_automatic_changes
          WHERE at > ${instant(since)} AND position = lead GROUP BY job ORDER BY job`.pipe(
        Effect.flatMap(Schema.decodeUnknown(Count)),
        Effect.map((counts) => new Map(counts.map(({ count, job }) => [job, count]))),
        typed("cannot be read")
      ),
    lockedJobs: sql`SELECT DISTINCT job FROM healing_automatic_changes WHERE locked_at IS NOT NULL`.pipe(
      Effect.map((rows) => rows.map(({ job }) => String(job))),
      typed("cannot be read")
    ),
    locks: (job, limit) =>
      sql`SELECT * FROM healing_automatic_changes
          WHERE locked_at IS NOT NULL AND ${job === undefined ? sql`1 = 1` : sql`job = ${job}`}
          ORDER BY locked_at DESC, request DESC, position LIMIT ${limit}`.pipe(
        Effect.flatMap((rows) => {
          const [bad, good] = Arr.partitionMap(rows, read)
          return Effect.as(
            Effect.forEach(bad, ({ detail }) => Effect.logWarning(`A lock is left alone: ${detail}`)),
            good
          )
        }),
        typed("cannot be read")
      )
  }
}
