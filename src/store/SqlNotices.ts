/**
 * Notices in the tables of an SQL database.
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
import type { HealingStoreError } from "../HealingError.js"
import { asIs, flag, table } from "./Column.js"
import {
  Delivery,
  type DeliveryQuery,
  Fact,
  Failing,
  Muted,
  type NoticeChange,
  type NoticeJournal,
  RunCount,
  type StoredDelivery
} from "./NoticeJournal.js"
import type { SqlDatabase } from "./SqlDatabase.js"
import { type Place, typed as typedIn } from "./SqlProblem.js"
import { failUnexpected, instant, numbered, placeholders, textOf } from "./SqlText.js"
import { write, writeAll } from "./Transact.js"

type Row = Readonly<Record<string, unknown>>

type Written = Effect.Effect<void, HealingStoreError | SqlError>

const { fields } = Delivery

const row = table<Delivery>({
  id: asIs(fields.id),
  channel: asIs(fields.channel),
  job: asIs(fields.job),
  kind: asIs(fields.kind),
  isUrgent: flag,
  isCounted: flag,
  notice: asIs(fields.notice),
  createdAt: asIs(fields.createdAt),
  state: asIs(fields.state),
  attempts: asIs(fields.attempts),
  nextTry: asIs(fields.nextTry),
  endedAt: asIs(fields.endedAt),
  reason: asIs(fields.reason)
})

const { fields: ofMuted } = Muted

const muted = table<Muted>({
  job: asIs(ofMuted.job),
  signature: asIs(ofMuted.signature),
  at: asIs(ofMuted.at),
  until: asIs(ofMuted.until),
  by: asIs(ofMuted.by)
})

/**
 * How they are written, within a transaction.
 *
 * - `addFact`: a row of the outbox.
 *
 * @internal
 */
export interface NoticeWriter {
  readonly write: (connection: Connection, change: NoticeChange) => Written
  readonly addFact: (connection: Connection, fact: Omit<Fact, "number">) => Written
}

const statementsOf = (sql: SqlClient) => ({
  addFact: numbered(sql, "healing_outbox", ["at", "request", "position", "from", "to", "door"]),
  add: numbered(sql, "healing_notices", row.columns),
  tried:
    textOf(sql`UPDATE healing_notices SET attempts = ${0}, ended_at = ${0}, next_try = ${0}, reason = ${0}, state = ${0}
    WHERE number = ${0} AND state = 'pending' RETURNING number`),
  rewrite: textOf(
    sql`UPDATE healing_notices SET notice = ${""} WHERE number = ${0} AND state = 'pending' AND attempts = 0 RETURNING number`
  ),
  stateOf: textOf(sql`SELECT state FROM healing_notices WHERE number = ${0}`),
  expire: textOf(sql`UPDATE healing_notices SET state = 'failed', ended_at = ${0}, next_try = NULL, reason = ${""}
    WHERE channel = ${""} AND state = 'pending' AND created_at < ${0}`),
  turned: textOf(sql`DELETE FROM healing_outbox WHERE number <= ${0}`),
  told: textOf(sql`INSERT INTO healing_told ${sql.insert({ job: "", kind: "", subject: "", at: 0 })}
    ON CONFLICT (job, kind, ${sql.onDialectOrElse({
      pg: () => sql.literal("md5(subject)"),
      orElse: () => sql.literal("subject")
    })}) DO UPDATE SET at = excluded.at`),
  forgetAll: textOf(sql`DELETE FROM healing_told WHERE job = ${""}`),
  forget: textOf(sql`DELETE FROM healing_told WHERE job = ${""} AND kind = ${""}`),
  failing: textOf(sql`INSERT INTO healing_failing ${sql.insert({ job: "", since: 0, good: 0 })}
    ON CONFLICT (job) DO UPDATE SET since = excluded.since, good = excluded.good`),
  well: textOf(sql`DELETE FROM healing_failing WHERE job = ${""}`),
  count: textOf(sql`INSERT INTO healing_run_counts ${sql.insert({ job: "", runs: 0, failures: 0 })}
    ON CONFLICT (job) DO UPDATE SET runs = healing_run_counts.runs + excluded.runs,
      failures = healing_run_counts.failures + excluded.failures`),
  unmute: textOf(
    sql`DELETE FROM healing_muted WHERE job IS NOT DISTINCT FROM ${""} AND signature IS NOT DISTINCT FROM ${""}`
  ),
  mute: textOf(sql`INSERT INTO healing_muted ${sql.insert(placeholders(muted.columns))}`)
})

/** @internal */
export const writer = (sql: SqlClient): NoticeWriter => {
  const statements = statementsOf(sql)

  const execute = (connection: Connection, text: string, params: ReadonlyArray<unknown>): Written =>
    Effect.asVoid(connection.execute(text, params, undefined))

  const guarded = (connection: Connection, text: string, params: ReadonlyArray<unknown>, number: number): Written =>
    Effect.flatMap(connection.execute(text, params, undefined), ([found]) =>
      found === undefined
        ? failUnexpected(connection.execute(statements.stateOf, [number], undefined), `notice ${number}`, "pending")
        : Effect.void
    )

  const forget = (connection: Connection, job: string, kinds: ReadonlyArray<string> | undefined): Written =>
    kinds === undefined
      ? execute(connection, statements.forgetAll, [job])
      : Effect.forEach(kinds, (kind) => execute(connection, statements.forget, [job, kind]), { discard: true })

  const unmute = (connection: Connection, { job, signature }: Pick<Muted, "job" | "signature">): Written =>
    execute(connection, statements.unmute, [job, signature])

  return {
    addFact: (connection, { at, door, from, position, request, to }) =>
      execute(connection, statements.addFact, [at, request, position, from, to, door]),
    write: (connection, change) => {
      switch (change._tag) {
        case "Add":
          return execute(connection, statements.add, row.toRow(change.delivery))
        case "Tried": {
          const { attempts, endedAt, nextTry, reason, state } = change.to
          const params = [attempts, endedAt, nextTry, reason, state, change.number]
          return guarded(connection, statements.tried, params, change.number)
        }
        case "Rewrite":
          return guarded(connection, statements.rewrite, [change.notice, change.number], change.number)
        case "Expire":
          return execute(connection, statements.expire, [
            change.at,
            change.reason,
            change.channel,
            change.createdBefore
          ])
        case "Turned":
          return execute(connection, statements.turned, [change.upTo])
        case "Told": {
          const { at, job, kind, subject } = change.told
          return execute(connection, statements.told, [job, kind, subject, at])
        }
        case "Forget":
          return forget(connection, change.job, change.kinds)
        case "Failing":
          return change.failing === null
            ? execute(connection, statements.well, [change.job])
            : execute(connection, statements.failing, [change.job, change.failing.since, change.failing.good])
        case "Count": {
          const { failures, job, runs } = change.counted
          return execute(connection, statements.count, [job, runs, failures])
        }
        case "Mute":
          return Effect.zipRight(
            unmute(connection, change.muted),
            execute(connection, statements.mute, muted.toRow(change.muted))
          )
        case "Unmute":
          return unmute(connection, change)
      }
    }
  }
}

const Counts = Schema.Array(Schema.Struct({ channel: Schema.String, count: Schema.Int }))

const Ats = Schema.Array(Schema.Struct({ at: Schema.Int }))

const Count = Schema.Tuple(Schema.Struct({ count: Schema.Int }))

const readFact = Schema.decodeUnknownOption(Fact)

const readRunCount = Schema.decodeUnknownOption(RunCount)

const readFailing = Schema.decodeUnknownOption(Failing)

/** The columns are those of the fields, so that what cannot be read is left out. */
const readable =
  <A>(read: (row: Row) => Option.Option<A>) =>
  (rows: ReadonlyArray<Row>): ReadonlyArray<A> =>
    Arr.filterMap(rows, read)

/**
 * What is asked of them. `sql` renames nothing.
 *
 * Longer than a screen, since it is a list of queries.
 *
 * @internal
 */
export const journal = ({ sql, transact, transactOne }: SqlDatabase, place: Place): NoticeJournal => {
  const typed = typedIn(place)("cannot be read")

  /** One that cannot be read is not to be in the way of those behind it. */
  const setAside = (found: Row, reason: string) =>
    Effect.zipRight(
      Effect.unless(
        write(transactOne)(
          sql`UPDATE healing_notices SET state = 'unreadable', reason = ${reason} WHERE number = ${Number(found.number)}`
        ),
        () => place.isReadOnly === true
      ),
      Effect.logWarning(`The notice ${found.number} in ${place.name} was set aside: ${reason}`)
    )

  const readAll = (
    query: Effect.Effect<ReadonlyArray<Row>, SqlError>
  ): Effect.Effect<ReadonlyArray<StoredDelivery>, HealingStoreError | SqlError> =>
    Effect.flatMap(query, (rows) => {
      const [bad, good] = Arr.partitionMap(rows, (found) =>
        Either.mapBoth(row.fromRow(found), {
          onLeft: (reason) => ({ found, reason }),
          onRight: (delivery): StoredDelivery => ({ ...delivery, number: Number(found.number) })
        })
      )
      return Effect.zipRight(
        Effect.forEach(bad, ({ found, reason }) => setAside(found, reason), { discard: true }),
        // Others are in their place by now: a page that is shorter than asked for is the last one.
        bad.length > 0 && place.isReadOnly !== true ? readAll(query) : Effect.succeed(good)
      )
    })

  /** The first ones after a number. What cannot be read is passed over, however much it is. */
  const factsAfter = (after: number, limit: number): Effect.Effect<ReadonlyArray<Fact>, SqlError> =>
    Effect.flatMap(sql`SELECT * FROM healing_outbox WHERE number > ${after} ORDER BY number LIMIT ${limit}`, (rows) => {
      const facts = readable(readFact)(rows)
      const last = rows.at(-1)
      return facts.length > 0 || last === undefined ? Effect.succeed(facts) : factsAfter(Number(last.number), limit)
    })

  const list = ({ before, channel, job, limit, states }: DeliveryQuery) => {
    const conditions = [
      sql.in("state", states),
      ...(channel === undefined ? [] : [sql`channel = ${channel}`]),
      ...(job === undefined ? [] : [sql`job = ${job}`]),
      ...(before === undefined ? [] : [sql`number < ${before}`])
    ]
    return sql`SELECT * FROM healing_notices WHERE ${sql.and(conditions)} ORDER BY number DESC LIMIT ${limit}`
  }

  const prune = (endedBefore: number, limit: number) =>
    Effect.map(
      writeAll(transact)([
        sql`DELETE FROM healing_notices WHERE number IN (
          SELECT number FROM healing_notices WHERE ended_at < ${instant(endedBefore)} LIMIT ${limit}
        ) RETURNING number`,
        sql`DELETE FROM healing_outbox WHERE number IN (
          SELECT number FROM healing_outbox WHERE at < ${instant(endedBefore)} LIMIT ${limit}
        ) RETURNING number`,
        sql`DELETE FROM healing_failing WHERE since < ${instant(endedBefore)}`,
        // What was told of a job that still fails is not told again.
        sql`DELETE FROM healing_told WHERE at < ${instant(endedBefore)}
          AND job NOT IN (SELECT job FROM healing_failing) RETURNING at`,
        sql`DELETE FROM healing_muted WHERE "until" < ${instant(endedBefore)}`,
        sql`DELETE FROM healing_run_counts WHERE runs <= 0`
      ]),
      // Those that return nothing are not counted.
      (removed) => removed.flat().length
    )

  return {
    facts: (limit) => factsAfter(0, limit).pipe(typed),
    pending: (channel, after, isUrgent, limit) =>
      sql`SELECT * FROM healing_notices WHERE channel = ${channel} AND state = 'pending' AND number > ${after}
          AND is_urgent >= ${isUrgent ? 1 : 0} ORDER BY number LIMIT ${limit}`.pipe(readAll, typed),
    pendingOf: (channel, kind) =>
      sql`SELECT * FROM healing_notices WHERE channel = ${channel} AND state = 'pending' AND kind = ${kind}
          AND attempts = 0 ORDER BY number DESC LIMIT 1`.pipe(readAll, Effect.map(Arr.head), typed),
    olderThan: (channel, createdBefore) =>
      sql`SELECT COUNT(*) AS count FROM healing_notices WHERE channel = ${channel} AND state = 'pending'
          AND created_at < ${instant(createdBefore)}`.pipe(
        Effect.flatMap(Schema.decodeUnknown(Count)),
        Effect.map(([{ count }]) => count),
        typed
      ),
    newest: (channel, many) =>
      sql`SELECT created_at AS at FROM healing_notices WHERE channel = ${channel} AND state = 'pending'
          ORDER BY number DESC LIMIT 1 OFFSET ${many - 1}`.pipe(
        Effect.flatMap(Schema.decodeUnknown(Ats)),
        Effect.map(([found]) => Option.fromNullable(found?.at)),
        typed
      ),
    counted: (channel, since, at, many) =>
      sql`SELECT created_at AS at FROM healing_notices WHERE channel = ${channel} AND is_counted = 1
          AND created_at > ${instant(since)} AND created_at <= ${instant(at)} ORDER BY created_at DESC LIMIT 1 OFFSET ${many - 1}`.pipe(
        Effect.flatMap(Schema.decodeUnknown(Ats)),
        Effect.map(([found]) => Option.fromNullable(found?.at)),
        typed
      ),
    told: ({ job, kind, subject }) =>
      sql`SELECT at FROM healing_told WHERE job = ${job} AND kind = ${kind} AND subject = ${subject}
          AND ${sql.onDialectOrElse({ pg: () => sql`md5(subject) = md5(${subject})`, orElse: () => sql`1 = 1` })}`.pipe(
        Effect.flatMap(Schema.decodeUnknown(Ats)),
        Effect.map(([found]) => Option.fromNullable(found?.at)),
        typed
      ),
    toldJobs: (kind) =>
      sql`SELECT DISTINCT job FROM healing_told WHERE kind = ${kind} ORDER BY job`.pipe(
        Effect.map((rows) => rows.map(({ job }) => String(job))),
        typed
      ),
    toldCount: (job, kind) =>
      sql`SELECT COUNT(*) AS count FROM healing_told WHERE job = ${job} AND kind = ${kind}`.pipe(
        Effect.flatMap(Schema.decodeUnknown(Count)),
        Effect.map(([{ count }]) => count),
        typed
      ),
    failing: sql`SELECT * FROM healing_failing ORDER BY job`.pipe(Effect.map(readable(readFailing)), typed),
    muted: sql`SELECT * FROM healing_muted ORDER BY "until", job NULLS FIRST, signature NULLS FIRST`.pipe(
      Effect.map(readable((found) => Either.getRight(muted.fromRow(found)))),
      typed
    ),
    runCounts: sql`SELECT * FROM healing_run_counts WHERE runs > 0 ORDER BY job`.pipe(
      Effect.map(readable(readRunCount)),
      typed
    ),
    list: (query) => list(query).pipe(readAll, typed),
    pendingCounts:
      sql`SELECT channel, COUNT(*) AS count FROM healing_notices WHERE state = 'pending' GROUP BY channel`.pipe(
        Effect.flatMap(Schema.decodeUnknown(Counts)),
        Effect.map((rows) => new Map(rows.map(({ channel, count }) => [channel, count]))),
        typed
      ),
    prune: (endedBefore, limit) => typedIn(place)("cannot be written")(prune(endedBefore, limit))
  }
}
