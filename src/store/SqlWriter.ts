/**
 * Writes changes to the tables of the store: those of one commit in one transaction.
 *
 * @internal
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { HealingStoreError } from "../HealingError.js"
import * as RequestLife from "../request/RequestLife.js"
import { type Change, isTold } from "./Change.js"
import type { Journal } from "./Journal.js"
import { columns, FIXED, toRow } from "./RequestRow.js"
import type { SqlDatabase } from "./SqlDatabase.js"
import * as SqlNotices from "./SqlNotices.js"
import * as SqlSuggestions from "./SqlSuggestions.js"
import { type Conflict, failUnexpected, numbered, orConflict, placeholders, textOf } from "./SqlText.js"

type Written = Effect.Effect<void, Conflict | HealingStoreError | SqlError>

/**
 * - `typed`: makes typed errors of those of the database.
 *
 * @internal
 */
export const make = (
  { sql, transact, transactOne }: SqlDatabase,
  typed: (written: Effect.Effect<void, HealingStoreError | SqlError>) => Effect.Effect<void, HealingStoreError>
): Journal["commit"] => {
  const statements = statementsOf(sql)
  const notices = SqlNotices.writer(sql)
  const write = writeWith(statements, notices, SqlSuggestions.writer(sql, notices.addFact))

  const written = (changes: ReadonlyArray<Change>): Written => {
    const [first, second] = changes
    if (first === undefined) return Effect.void
    return second === undefined && !takesSeveral(first)
      ? transactOne((connection) => write(connection, first))
      : transact((connection) => Effect.forEach(changes, (change) => write(connection, change), { discard: true }))
  }

  return (changes) =>
    written(changes).pipe(
      Effect.catchTag("Conflict", ({ expected, id, params, text }) =>
        failUnexpected(Effect.withTracerEnabled(sql.unsafe(text, params), false), id, expected)
      ),
      typed
    )
}

/** What takes more than one statement. */
const SEVERAL: ReadonlySet<Change["_tag"]> = new Set(["Notice", "Watched", "Suggestion", "Stop", "Terms", "Unlock"])

const takesSeveral = (change: Change): boolean =>
  SEVERAL.has(change._tag) || (change._tag === "Transition" && isTold(change))

const statementsOf = (sql: SqlClient) => {
  // What never changes is not written again, for the sake of the indexes on it.
  const changing = placeholders(columns.slice(FIXED))
  return {
    insert: textOf(sql`INSERT INTO healing_requests ${sql.insert(placeholders(columns))}`),
    update: textOf(
      sql`UPDATE healing_requests SET ${sql.update(changing)} WHERE number = ${0} AND state = ${""} RETURNING number`
    ),
    stateOf: textOf(sql`SELECT state FROM healing_requests WHERE number = ${0}`),
    upsertQueue: textOf(sql`
      INSERT INTO healing_queue ${sql.insert({ id: 1, paused: 0, rate_limited_until: null, rate_limits: 0 })}
      ON CONFLICT (id) DO UPDATE SET paused = excluded.paused, rate_limited_until = excluded.rate_limited_until,
        rate_limits = excluded.rate_limits`),
    putWatched: textOf(sql`INSERT INTO healing_watched ${sql.insert({ job: "", watched: 0 })}
      ON CONFLICT (job) DO UPDATE SET watched = excluded.watched`),
    forgetWatched: textOf(sql`DELETE FROM healing_watched WHERE job = ${""}`),
    addOccurrence: numbered(sql, "healing_occurrences", ["job", "first", "at", "schedule", "request", "reason"])
  }
}

/** Each UPDATE is guarded by the state that it expects, and tells which it found instead. */
const writeWith =
  (
    { addOccurrence, forgetWatched, insert, putWatched, stateOf, update, upsertQueue }: ReturnType<typeof statementsOf>,
    notices: SqlNotices.NoticeWriter,
    suggestions: SqlSuggestions.SuggestionWriter
  ) =>
  (connection: Connection, change: Change): Written => {
    if (change._tag === "QueueState") {
      const { paused, rateLimitedUntil, rateLimits } = change.state
      return connection.execute(upsertQueue, [1, paused ? 1 : 0, rateLimitedUntil, rateLimits], undefined)
    }
    if (change._tag === "Occurrence") {
      const { at, first, job, reason, request, schedule } = change.occurrence
      return connection.execute(addOccurrence, [job, first, at, schedule, request, reason], undefined)
    }
    if (change._tag === "Suggestion") return suggestions.write(connection, change)
    if (change._tag === "Terms") return suggestions.move(connection, change.by)
    if (change._tag === "Watch") return suggestions.watch(connection, change.suggestion)
    if (change._tag === "Application") return suggestions.putApplication(connection, change.application)
    if (change._tag === "Stop") return suggestions.stop(connection, change.stop)
    if (change._tag === "Automatic") return suggestions.putAutomatic(connection, change.change)
    if (change._tag === "Lock") return suggestions.lock(connection, change.key, change.at)
    if (change._tag === "Unlock") return suggestions.unlock(connection, change.job, change.steps)
    if (change._tag === "Watched")
      return Effect.forEach(
        change.watched,
        ([job, watched]) =>
          watched === null
            ? connection.execute(forgetWatched, [job], undefined)
            : connection.execute(putWatched, [job, watched], undefined),
        { discard: true }
      )
    if (change._tag === "Notice") return notices.write(connection, change.change)
    const { from, to } = change
    return (
      from === null
        ? Effect.asVoid(connection.execute(insert, toRow(to), undefined))
        : Effect.flatMap(
            connection.execute(update, [...toRow(to).slice(FIXED), to.number, from], undefined),
            ([row]) =>
              row === undefined
                ? failUnexpected(connection.execute(stateOf, [to.number], undefined), to.id, from)
                : Effect.void
          )
    ).pipe(
      orConflict({
        text: stateOf,
        params: [to.number],
        id: to.id,
        expected: from ?? "not there, and no other one of its job in its state"
      }),
      Effect.zipRight(isTold(change) ? notices.addFact(connection, RequestLife.factOf(from, to)) : Effect.void)
    )
  }
