/**
 * The store of requests in an SQL database.
 *
 * @internal
 */
import { SqlClient } from "@effect/sql/SqlClient"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { HealingStoreError } from "../HealingError.js"
import type { HistoryQuery, Journal } from "./Journal.js"
import { fromRow } from "./RequestRow.js"
import * as SqlBackup from "./SqlBackup.js"
import * as SqlDatabase from "./SqlDatabase.js"
import * as SqlNotices from "./SqlNotices.js"
import { type Place, typed as typedIn } from "./SqlProblem.js"
import * as SqlSuggestions from "./SqlSuggestions.js"
import { instant } from "./SqlText.js"
import * as SqlWriter from "./SqlWriter.js"
import { write, writeAll } from "./Transact.js"

// -----------------------------------------------------------------------------
// What is asked beside requests
// -----------------------------------------------------------------------------

const Numbered = Schema.Struct({ number: Schema.Int })

const QueueRow = Schema.Struct({
  paused: Schema.Int,
  rate_limited_until: Schema.NullOr(Schema.Int),
  rate_limits: Schema.NonNegativeInt
})

const decodeQueue = Schema.decodeUnknownEither(QueueRow)

const OccurrenceRow = Schema.Struct({
  job: Schema.String,
  first: Schema.Int,
  at: Schema.Int,
  schedule: Schema.String,
  request: Schema.NullOr(Schema.Int),
  reason: Schema.NullOr(Schema.String)
})

const LastCompleted = Schema.Struct({ job: Schema.String, ended_at: Schema.Int })

const Watched = Schema.Struct({ job: Schema.String, watched: Schema.Int })

const Signatures = Schema.Struct({ signatures: Schema.parseJson(Schema.Array(Schema.String)) })

const Starts = Schema.Struct({ starts: Schema.parseJson(Schema.Array(Schema.Int)) })

/** Those that can be read: the others are set aside when it comes to them, and are not to be in the way of these. */
const readable = <A, I>(row: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownOption(row)
  return (rows: ReadonlyArray<unknown>): Array<A> => Arr.filterMap(rows, (row) => decode(row))
}

// -----------------------------------------------------------------------------
// The store
// -----------------------------------------------------------------------------

/** Rows of a clock that was ahead that are looked through at a start. */
const MAX_LATER = 1000

/**
 * Longer than a screen, since it is a list of queries.
 *
 * @internal
 */
export const make = Effect.fnUntraced(function* (
  place: Place
): Effect.fn.Return<Journal, HealingStoreError, Scope.Scope | SqlClient> {
  const database = yield* SqlDatabase.open(yield* SqlClient, place)
  const { check, sql, transact, transactOne } = database
  const typed = typedIn(place)

  /** Those of the rows that cannot be read, which are out of the way then, and the others. */
  const readOrSetAside = (rows: ReadonlyArray<{ readonly number?: unknown }>) => {
    const read = Arr.partitionMap(rows, (row) =>
      Either.mapLeft(fromRow(row), (reason) => ({ number: Number(row.number), reason }))
    )
    return Effect.as(
      Effect.forEach(
        place.isReadOnly === true ? [] : read[0],
        ({ number, reason }) =>
          write(transactOne)(
            sql`UPDATE healing_requests SET state = 'unreadable', reason = ${reason} WHERE number = ${number}`
          ),
        { discard: true }
      ),
      read
    )
  }

  /** Those of the rows that can be read; the others are named in warnings. */
  const readOrWarn = (rows: ReadonlyArray<{ readonly number?: unknown }>) =>
    Effect.flatMap(readOrSetAside(rows), ([bad, good]) =>
      Effect.as(
        Effect.forEach(bad, ({ number, reason }) => Effect.logWarning(`Request ${number} was set aside: ${reason}`)),
        good
      )
    )

  const page = (state: "pending" | "running", from: number, limit: number) =>
    Effect.gen(function* () {
      // The states are literals: by them the database can tell that the indexes for these states are meant.
      const rows =
        state === "pending"
          ? yield* sql`SELECT * FROM healing_requests WHERE state = 'pending' AND number >= ${from} ORDER BY number LIMIT ${limit}`
          : // They are few, and not to be searched for among all of those that have ended.
            yield* sql`SELECT * FROM healing_requests WHERE state = 'running' AND number + 0 >= ${from} ORDER BY number + 0 LIMIT ${limit}`
      const [bad, good] = yield* readOrSetAside(rows)
      const last = rows.length < limit ? undefined : rows.at(-1)
      return { requests: good, setAside: bad, next: last === undefined ? undefined : Number(last.number) + 1 }
    })

  const history = ({ before, job, limit, states }: HistoryQuery) =>
    Effect.gen(function* () {
      const conditions = [
        sql`ended_at IS NOT NULL`,
        sql.in("state", states),
        ...(job === undefined ? [] : [sql`job = ${job}`]),
        ...(before === undefined ? [] : [sql`(ended_at, number) < (${before.endedAt}, ${before.number})`])
      ]
      const rows = yield* sql`SELECT * FROM healing_requests WHERE ${sql.and(conditions)}
          ORDER BY ended_at DESC, number DESC LIMIT ${limit}`
      return yield* readOrWarn(rows)
    })

  const find = (number: number) =>
    sql`SELECT * FROM healing_requests WHERE number = ${number}`.pipe(
      Effect.flatMap(([row]) => {
        if (row === undefined) return Effect.succeedNone
        return Either.match(fromRow(row), {
          onLeft: (reason) =>
            new HealingStoreError({
              reason: "Unavailable",
              detail: `The request ${number} in ${place.name} was set aside: ${reason}`
            }),
          onRight: Effect.succeedSome
        })
      })
    )

  /** But for the last one of each job, from which its schedule goes on. */
  const pruneOccurrences = (before: number, limit: number) =>
    sql`DELETE FROM healing_occurrences WHERE number IN (
        SELECT number FROM healing_occurrences
        WHERE at < ${instant(before)} AND number < (
          SELECT MAX(number) FROM healing_occurrences AS other WHERE other.job = healing_occurrences.job
        )
        LIMIT ${limit}
      ) RETURNING number`

  return {
    check,
    location: place.name,
    backup: (path) => SqlBackup.make(sql, place, path),
    sizes: Effect.succeedNone,
    commit: SqlWriter.make(database, typed("cannot be written")),
    queueState: typed("cannot be read")(
      Effect.gen(function* () {
        const [row] = yield* sql`SELECT paused, rate_limited_until, rate_limits FROM healing_queue WHERE id = 1`
        if (row === undefined) return undefined
        const decoded = decodeQueue(row)
        if (Either.isLeft(decoded)) {
          yield* Effect.logWarning(
            "What the healing queue remembered cannot be read: it is neither paused nor limited now"
          )
          return undefined
        }
        const { paused, rate_limited_until, rate_limits } = decoded.right
        return { paused: paused !== 0, rateLimitedUntil: rate_limited_until, rateLimits: rate_limits }
      })
    ),
    lastNumber: sql`SELECT COALESCE(MAX(number), 0) AS number FROM healing_requests`.pipe(
      Effect.flatMap(Schema.decodeUnknown(Schema.Tuple(Numbered))),
      Effect.map(([{ number }]) => number),
      typed("cannot be read")
    ),
    page: (state, from, limit) => typed("cannot be read")(page(state, from, limit)),
    find: (number) => typed("cannot be read")(find(number)),
    lastCompleted: (since, before) =>
      sql`SELECT job, ended_at FROM healing_requests
          WHERE state = 'completed' AND ended_at > ${instant(since)} AND ended_at < ${instant(before)} ORDER BY ended_at`.pipe(
        Effect.map(readable(LastCompleted)),
        Effect.map((rows) => new Map(rows.map(({ ended_at, job }) => [job, ended_at]))),
        typed("cannot be read")
      ),
    automaticStarts: (since, before, limit) =>
      Effect.zipWith(
        sql`SELECT starts FROM healing_requests
          WHERE automatic = 1 AND last_start IS NOT NULL AND last_start > ${instant(since)} AND last_start < ${instant(before)}
          ORDER BY last_start DESC LIMIT ${limit}`,
        // Those that were begun again when a clock was ahead.
        sql`SELECT starts FROM healing_requests
          WHERE automatic = 1 AND last_start IS NOT NULL AND last_start >= ${instant(before)}
          ORDER BY last_start LIMIT ${MAX_LATER}`,
        (rows, later) => [...rows, ...later]
      ).pipe(
        Effect.map(readable(Starts)),
        Effect.map((rows) =>
          rows
            .flatMap(({ starts }) => starts)
            .filter((at) => at > since && at < before)
            .sort((a, b) => b - a)
            .slice(0, limit)
        ),
        typed("cannot be read")
      ),
    history: (query) => typed("cannot be read")(history(query)),
    prune: (endedBefore, limit) =>
      writeAll(transact)([
        sql`DELETE FROM healing_requests WHERE number IN (
          SELECT number FROM healing_requests
          WHERE ended_at IS NOT NULL AND ended_at < ${instant(endedBefore)} AND number < (SELECT MAX(number) FROM healing_requests)
          ORDER BY ended_at LIMIT ${limit}
        ) RETURNING number`,
        pruneOccurrences(endedBefore, limit)
      ]).pipe(
        Effect.map((removed) => removed.flat().length),
        typed("cannot be written")
      ),
    watched: sql`SELECT job, watched FROM healing_watched`.pipe(
      Effect.map(readable(Watched)),
      Effect.map((rows) => new Map(rows.map(({ job, watched }) => [job, watched]))),
      typed("cannot be read")
    ),
    suggestions: SqlSuggestions.journal(database, place),
    notices: SqlNotices.journal(database, place),
    lastOccurrences: sql`
        WITH RECURSIVE jobs (job) AS (
          SELECT MIN(job) FROM healing_occurrences
          UNION ALL
          SELECT (SELECT MIN(job) FROM healing_occurrences AS other WHERE other.job > jobs.job) FROM jobs
          WHERE jobs.job IS NOT NULL
        )
        SELECT last.* FROM jobs JOIN healing_occurrences AS last
        ON last.number = (SELECT MAX(number) FROM healing_occurrences AS own WHERE own.job = jobs.job)`.pipe(
      Effect.map(readable(OccurrenceRow)),
      typed("cannot be read")
    ),
    occurrences: (job, limit) =>
      sql`SELECT job, first, at, schedule, request, reason FROM healing_occurrences WHERE job = ${job}
          ORDER BY number DESC LIMIT ${limit}`.pipe(Effect.map(readable(OccurrenceRow)), typed("cannot be read")),
    explained: (job, signature) =>
      typed("cannot be read")(
        sql.onDialectOrElse({
          // A row that is no JSON is not to be in the way of the others, so that the database only looks for the text.
          pg: () =>
            Effect.map(
              sql`SELECT signatures FROM healing_requests
                WHERE job = ${job} AND state = 'completed' AND signatures IS NOT NULL
                  AND strpos(signatures, ${JSON.stringify(signature)}) > 0`,
              (rows) => readable(Signatures)(rows).some(({ signatures }) => signatures.includes(signature))
            ),
          orElse: () =>
            Effect.map(
              sql`SELECT number FROM healing_requests, json_each(signatures)
                WHERE job = ${job} AND state = 'completed' AND signatures IS NOT NULL AND value = ${signature} LIMIT 1`,
              (rows) => rows.length > 0
            )
        })
      )
  }
})
