/**
 * Suggestions in the tables of an SQL database.
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
import { HealingStoreError } from "../HealingError.js"
import type { Application, HealingSuggestion, SuggestionStep, SuggestionStop } from "../request/HealingSuggestion.js"
import * as SuggestionLife from "../request/SuggestionLife.js"
import type { SuggestionChange } from "./Change.js"
import * as SqlAutomatic from "./SqlAutomatic.js"
import type { SqlDatabase } from "./SqlDatabase.js"
import type * as SqlNotices from "./SqlNotices.js"
import { type Place, typed as typedIn } from "./SqlProblem.js"
import {
  type Conflict,
  excluded,
  failUnexpected,
  instant,
  numbered,
  orConflict,
  placeholders,
  textOf
} from "./SqlText.js"
import type { SuggestionJournal, SuggestionQuery } from "./SuggestionJournal.js"
import * as SuggestionRow from "./SuggestionRow.js"
import { write, writeAll } from "./Transact.js"

type Row = Readonly<Record<string, unknown>>

type Written = Effect.Effect<void, Conflict | HealingStoreError | SqlError>

/**
 * How changes to suggestions are written, within a transaction.
 *
 * @internal
 */
export interface SuggestionWriter {
  readonly write: (connection: Connection, change: SuggestionChange) => Written
  readonly move: (connection: Connection, by: number) => Written
  readonly watch: (connection: Connection, applied: HealingSuggestion) => Written
  readonly putApplication: (connection: Connection, application: Application) => Written
  readonly stop: (connection: Connection, stop: SuggestionStop | null) => Written
  readonly putAutomatic: SqlAutomatic.AutomaticWriter["put"]
  readonly lock: SqlAutomatic.AutomaticWriter["lock"]
  readonly unlock: (
    connection: Connection,
    job: string,
    steps: ReadonlyArray<Omit<SuggestionStep, "number">>
  ) => Written
}

const statementsOf = (sql: SqlClient) => {
  const { columns, FIXED, stepColumns } = SuggestionRow
  const older = sql`job = ${0} AND target_file = ${0} AND request < ${0} AND state IN ('pending', 'approved')`
  const guard = sql`request = ${0} AND position = ${0} AND state = ${0}`
  const changes = sql.update(placeholders(columns.slice(FIXED)))
  return {
    insert: textOf(sql`INSERT INTO healing_suggestions ${sql.insert(placeholders(columns))}`),
    update: textOf(sql`UPDATE healing_suggestions SET ${changes} WHERE ${guard} RETURNING request`),
    watched: textOf(sql`SELECT * FROM healing_suggestions WHERE state = 'applied' AND watch IS NOT NULL`),
    updateSame: textOf(
      sql`UPDATE healing_suggestions SET ${changes} WHERE ${guard} AND changed_at = ${0} AND approval IS NOT DISTINCT FROM ${0} RETURNING request`
    ),
    updateDue: textOf(
      sql`UPDATE healing_suggestions SET ${changes} WHERE ${guard} AND due_at = ${0} RETURNING request`
    ),
    stateOf: textOf(sql`SELECT state FROM healing_suggestions WHERE request = ${0} AND position = ${0}`),
    addStep: numbered(sql, "healing_suggestion_steps", stepColumns),
    older: textOf(sql`SELECT * FROM healing_suggestions WHERE ${older} ORDER BY request DESC, position`),
    move: textOf(sql`UPDATE healing_suggestions SET expires_at = expires_at + ${0}, due_at = due_at + ${0}
      WHERE due_at IS NOT NULL OR state = 'applying'`),
    watch: textOf(
      sql`UPDATE healing_suggestions SET watch = ${""} WHERE request = ${0} AND position = ${0} AND state = 'applied'
        RETURNING request`
    ),
    putApplication: textOf(
      sql`INSERT INTO healing_applications ${sql.insert(placeholders(SuggestionRow.application.columns))}
        ON CONFLICT (request, position) DO UPDATE SET ${excluded(sql, SuggestionRow.application.columns)}`
    ),
    goOn: textOf(sql`DELETE FROM healing_suggestion_stop`),
    stop: textOf(sql`INSERT INTO healing_suggestion_stop ${sql.insert(placeholders(SuggestionRow.stop.columns))}`)
  }
}

/** @internal */
export const writer = (sql: SqlClient, addFact: SqlNotices.NoticeWriter["addFact"]): SuggestionWriter => {
  const statements = statementsOf(sql)
  const automatic = SqlAutomatic.writer(sql)

  const putStep = (connection: Connection, step: Omit<SuggestionStep, "number">): Written =>
    connection.execute(statements.addStep, SuggestionRow.toStepRow(step), undefined)

  const addStep = (connection: Connection, from: SuggestionChange["from"], to: HealingSuggestion): Written =>
    Effect.zipRight(
      putStep(connection, SuggestionLife.stepOf(from, to)),
      addFact(connection, SuggestionLife.factOf(from, to))
    )

  const failFor = (connection: Connection, { id, position, request }: HealingSuggestion, expected: string): Written =>
    failUnexpected(connection.execute(statements.stateOf, [request, position], undefined), id, expected)

  const insert = (connection: Connection, to: HealingSuggestion): Written =>
    connection
      .execute(statements.insert, SuggestionRow.toRow(to), undefined)
      .pipe(
        orConflict({ text: statements.stateOf, params: [to.request, to.position], id: to.id, expected: "not there" })
      )

  const update = (
    connection: Connection,
    from: string,
    to: HealingSuggestion,
    { before, dueAt }: Pick<SuggestionChange, "before" | "dueAt"> = {}
  ): Written => {
    const cells = [...SuggestionRow.toRow(to).slice(SuggestionRow.FIXED), to.request, to.position, from]
    const updated =
      before !== undefined
        ? connection.execute(statements.updateSame, [...cells, ...SuggestionRow.sameness(before)], undefined)
        : dueAt === undefined
          ? connection.execute(statements.update, cells, undefined)
          : connection.execute(statements.updateDue, [...cells, dueAt], undefined)
    const expected =
      before !== undefined
        ? `${from} since ${before.changedAt}`
        : dueAt === undefined
          ? from
          : `${from} and due at ${dueAt}`
    return Effect.flatMap(updated, ([row]) => (row === undefined ? failFor(connection, to, expected) : Effect.void))
  }

  /** A row that cannot be read is left as it is. */
  const supersedeOlder = (connection: Connection, newer: HealingSuggestion): Written => {
    const { job, request, suggestion } = newer
    if (suggestion.targetFile === null || suggestion.proposedContent === null) return Effect.void
    return connection.execute(statements.older, [job, suggestion.targetFile, request], undefined).pipe(
      Effect.map(Arr.filterMap((row) => Either.getRight(SuggestionRow.fromRow(row)))),
      Effect.flatMap(
        Effect.forEach(
          (older) => {
            const superseded = SuggestionLife.supersede(older, newer)
            return Effect.zipRight(
              update(connection, older.state, superseded),
              addStep(connection, older.state, superseded)
            )
          },
          { discard: true }
        )
      )
    )
  }

  const watch = (connection: Connection, applied: HealingSuggestion): Written =>
    connection
      .execute(statements.watch, [JSON.stringify(applied.watch), applied.request, applied.position], undefined)
      .pipe(Effect.flatMap(([row]) => (row === undefined ? failFor(connection, applied, "applied") : Effect.void)))

  /** They are few. A row that cannot be read is left as it is. */
  const moveWatches = (connection: Connection, by: number): Written =>
    connection
      .execute(statements.watched, [], undefined)
      .pipe(
        Effect.map(Arr.filterMap((row) => Either.getRight(SuggestionRow.fromRow(row)))),
        Effect.flatMap(
          Effect.forEach(
            (applied) =>
              applied.watch === null
                ? Effect.void
                : watch(connection, { ...applied, watch: { ...applied.watch, since: applied.watch.since + by } }),
            { discard: true }
          )
        )
      )

  return {
    write: (connection, { from, to, ...guard }) =>
      (from === null ? insert(connection, to) : update(connection, from, to, guard)).pipe(
        Effect.zipRight(addStep(connection, from, to)),
        Effect.zipRight(from === null ? supersedeOlder(connection, to) : Effect.void)
      ),
    move: (connection, by) =>
      connection
        .execute(statements.move, [by, by], undefined)
        .pipe(Effect.zipRight(moveWatches(connection, by)), Effect.zipRight(automatic.move(connection, by))),
    watch,
    putApplication: (connection, application) =>
      connection.execute(statements.putApplication, SuggestionRow.application.toRow(application), undefined),
    putAutomatic: automatic.put,
    lock: automatic.lock,
    unlock: (connection, job, steps) =>
      Effect.zipRight(
        automatic.unlock(connection, job),
        Effect.forEach(steps, (step) => putStep(connection, step), { discard: true })
      ),
    stop: (connection, stop) =>
      Effect.zipRight(
        connection.execute(statements.goOn, [], undefined),
        stop === null ? Effect.void : connection.execute(statements.stop, SuggestionRow.stop.toRow(stop), undefined)
      )
  }
}

/**
 * What is asked of them. `sql` renames nothing.
 *
 * Longer than a screen, since it is a list of queries.
 *
 * @internal
 */
export const journal = ({ sql, transact, transactOne }: SqlDatabase, place: Place): SuggestionJournal => {
  const typed = typedIn(place)

  const unreadable = (what: string, reason: string) =>
    new HealingStoreError({
      reason: "Unavailable",
      detail: `${what} in ${place.name} cannot be read: ${reason}`
    })

  /** One that cannot be read is not to be in the way of the others: it stays there under another state. */
  const setAside = (row: Row, reason: string) =>
    Effect.zipRight(
      Effect.unless(
        write(
          transactOne
        )(sql`UPDATE healing_suggestions SET state = 'unreadable', reason = ${reason}, expires_at = NULL, due_at = NULL
        WHERE request = ${Number(row.request)} AND position = ${Number(row.position)}`),
        () => place.isReadOnly === true
      ),
      Effect.logWarning(`Suggestion ${row.request}.${row.position} in ${place.name} was set aside: ${reason}`)
    )

  /** Those that can be read, of as many rows as were asked for. */
  const readAll = <E>(
    ask: Effect.Effect<ReadonlyArray<Row>, E>
  ): Effect.Effect<ReadonlyArray<HealingSuggestion>, E | HealingStoreError | SqlError> =>
    Effect.flatMap(ask, (rows) => {
      const [bad, good] = Arr.partitionMap(rows, (row) =>
        Either.mapLeft(SuggestionRow.fromRow(row), (reason) => ({ row, reason }))
      )
      if (bad.length === 0) return Effect.succeed(good)
      return Effect.zipRight(
        Effect.forEach(bad, ({ reason, row }) => setAside(row, reason), { discard: true }),
        readAll(ask)
      )
    })

  const list = ({ after, job, limit, states, supersededBy, targetFile }: SuggestionQuery) => {
    const names = states.map((state) => `'${state}'`).join(", ")
    const conditions = [
      // One state alone is looked up by its index. Several are picked from the rows in their order, which another index has.
      states.length === 1 && job === undefined ? sql.in("state", states) : sql.literal(`state || '' IN (${names})`),
      ...(job === undefined ? [] : [sql`job = ${job}`]),
      ...(targetFile === undefined ? [] : [sql`target_file = ${targetFile}`]),
      ...(supersededBy === undefined ? [] : [sql.in("superseded_by", supersededBy)]),
      ...(after === undefined
        ? []
        : [sql`(request < ${after.request} OR (request = ${after.request} AND position > ${after.position}))`])
    ]
    return states.length === 0
      ? Effect.succeed([])
      : readAll(
          sql<Row>`SELECT * FROM healing_suggestions WHERE ${sql.and(conditions)} ORDER BY request DESC, position LIMIT ${limit}`
        )
  }

  const idOfRow = sql`'suggestion:' || job || ':' || request || '.' || position`

  /** Those that may go: the number of the last step is not given out again. */
  const old = (endedBefore: number, limit: number) => sql`SELECT request, position FROM healing_suggestions
      WHERE expires_at IS NULL AND changed_at < ${instant(endedBefore)}
        AND ${idOfRow} <> COALESCE((SELECT id FROM healing_suggestion_steps ORDER BY number DESC LIMIT 1), '')
      ORDER BY changed_at, request DESC, position LIMIT ${limit}`

  return {
    ...SqlAutomatic.journal(sql, place),
    find: ({ position, request }) =>
      sql`SELECT * FROM healing_suggestions WHERE request = ${request} AND position = ${position}`.pipe(
        Effect.flatMap(([row]) => {
          if (row === undefined) return Effect.succeedNone
          return Either.match(SuggestionRow.fromRow(row), {
            onLeft: (reason) => unreadable(`The suggestion ${request}.${position}`, reason),
            onRight: Effect.succeedSome
          })
        }),
        typed("cannot be read")
      ),
    list: (query) => typed("cannot be read")(list(query)),
    steps: (id, after, limit) =>
      sql<Row>`SELECT * FROM healing_suggestion_steps
          WHERE number > ${after} AND ${id === undefined ? sql`1 = 1` : sql`id = ${id}`}
          ORDER BY number LIMIT ${limit + 1}`.pipe(
        Effect.map((rows) => ({
          steps: Arr.filterMap(rows.slice(0, limit), (row) => Either.getRight(SuggestionRow.fromStepRow(row))),
          next: rows.length > limit ? Number(rows[limit - 1]?.number) : undefined
        })),
        typed("cannot be read")
      ),
    due: (now, limit) =>
      readAll(
        sql<Row>`SELECT * FROM healing_suggestions WHERE due_at IS NOT NULL AND due_at <= ${instant(now)}
          ORDER BY due_at, request DESC, position LIMIT ${limit}`
      ).pipe(typed("cannot be read")),
    nextDue: sql`SELECT due_at FROM healing_suggestions WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1`.pipe(
      Effect.map(([row]) => Option.map(Option.fromNullable(row), ({ due_at }) => Number(due_at))),
      typed("cannot be read")
    ),
    prune: (endedBefore, limit) => {
      const keys = old(endedBefore, limit)
      // Together: a rollback of one that is so old would else lose what it needs.
      return writeAll(transact)([
        sql`DELETE FROM healing_suggestion_steps WHERE id IN (
            SELECT ${idOfRow} FROM healing_suggestions WHERE (request, position) IN (${keys})
          )`,
        sql`DELETE FROM healing_applications WHERE (request, position) IN (${keys})`,
        sql`DELETE FROM healing_suggestions WHERE (request, position) IN (${keys}) RETURNING request`,
        SqlAutomatic.forgotten(sql, endedBefore)
      ]).pipe(
        // Only the suggestions return something.
        Effect.map((removed) => removed.flat().length),
        typed("cannot be written")
      )
    },
    unreadable: (request) =>
      sql`SELECT position FROM healing_suggestions WHERE request = ${request} AND state = 'unreadable'`.pipe(
        Effect.map((rows) => rows.length),
        typed("cannot be read")
      ),
    application: ({ position, request }) =>
      sql`SELECT * FROM healing_applications WHERE request = ${request} AND position = ${position}`.pipe(
        Effect.flatMap(([row]) =>
          row === undefined
            ? Effect.succeedNone
            : Either.match(SuggestionRow.application.fromRow(row), {
                onLeft: (reason) => unreadable(`The original of ${request}.${position}`, reason),
                onRight: Effect.succeedSome
              })
        ),
        typed("cannot be read")
      ),
    unfinished: sql`SELECT * FROM healing_applications WHERE intent IS NOT NULL ORDER BY request DESC, position`.pipe(
      Effect.flatMap((rows) => {
        const [bad, good] = Arr.partitionMap(rows, (row) =>
          Either.mapLeft(SuggestionRow.application.fromRow(row), (reason) => ({ row, reason }))
        )
        return Effect.as(
          Effect.forEach(bad, ({ reason, row }) =>
            Effect.logWarning(
              `The application ${row.request}.${row.position} in ${place.name} is left alone: ${reason}`
            )
          ),
          good
        )
      }),
      typed("cannot be read")
    ),
    stopped: sql`SELECT * FROM healing_suggestion_stop`.pipe(
      Effect.flatMap(([row]) =>
        row === undefined
          ? Effect.succeedNone
          : Either.match(SuggestionRow.stop.fromRow(row), {
              onLeft: (reason) => unreadable("Who has stopped applications", reason),
              onRight: Effect.succeedSome
            })
      ),
      typed("cannot be read")
    )
  }
}
