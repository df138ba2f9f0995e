/**
 * Statements as one transaction of PostgreSQL. It is written only while its epoch lasts, and whether it was written is known in the end.
 *
 * @internal
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { HealingStoreError } from "../HealingError.js"
import { endConnection } from "./PostgresClient.js"
import * as PostgresEpoch from "./PostgresEpoch.js"
import { codeOf, type Place } from "./SqlProblem.js"
import type { Transact } from "./Transact.js"

/**
 * Which of all commits it is, and the transaction and the process of the server in which it goes on.
 */
const Begun = Schema.Struct({ commits: Schema.Int, id: Schema.String, process: Schema.Int })

interface Begun extends Schema.Schema.Type<typeof Begun> {}

/**
 * A transaction holds rows locked. If its client stands still, or is cut off, the server ends it after ten seconds; and it waits no longer
 * itself for a row that somebody else holds. The parts have no parameters, so that all of it is one message.
 */
const beginning = (epoch: number): string => `BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s';
  SET LOCAL lock_timeout = '10s';
  WITH counted AS (${PostgresEpoch.countedIn(epoch)})
  SELECT commits, pg_current_xact_id()::text AS id, pg_backend_pid() AS process FROM counted`

const begin = (connection: Connection, { epoch, place }: Owned): Effect.Effect<Begun, HealingStoreError | SqlError> => {
  const run = (statement: string) => connection.execute(statement, [], undefined)
  return run(beginning(epoch)).pipe(
    Effect.flatMap(Schema.decodeUnknown(Schema.Array(Begun))),
    Effect.catchTag("ParseError", (cause) => new SqlError({ cause })),
    Effect.flatMap(([begun]) =>
      begun === undefined
        ? Effect.flatMap(PostgresEpoch.current(run), (found) => Effect.fail(PostgresEpoch.lost(place, found)))
        : Effect.succeed(begun)
    )
  )
}

/** Whether the server itself has refused it: nothing is written then. Otherwise the connection was lost, or the server has ended. */
const isRefusal = (error: SqlError): boolean => {
  const code = codeOf(error)
  return code !== undefined && /^(?:[0-9]|F0|HV|P0)[0-9A-Z]+$/.test(code) && !/^(?:08|40003|57P|58)/.test(code)
}

/** For so long the server is asked. A failover of a database takes less. */
const LONGEST = Duration.minutes(1)

const AGAIN = Duration.millis(250)

/**
 * Whether a transaction was written whose commit was sent, as soon as the server can tell: its epoch is over, or it is counted, or it is not,
 * when nobody holds the row of the count any more. If the server has not noticed yet that the client is gone, it is told to end that
 * transaction. Its number alone would not do: after a crash the server gives those again that had not come to its disk.
 */
const isWritten = (sql: SqlClient, begun: Begun, owned: Owned): Effect.Effect<boolean, HealingStoreError> => {
  const { epoch, place } = owned
  const end = sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = ${begun.process} AND backend_xid = ${begun.id}::xid8::xid`
  return PostgresEpoch.current((statement) => sql.unsafe(statement), "FOR UPDATE").pipe(
    Effect.tapError((error) => (codeOf(error) === "55P03" ? Effect.ignore(end) : Effect.void)),
    Effect.option,
    Effect.flatMap(
      Option.match({
        onNone: () => Effect.zipRight(Effect.sleep(AGAIN), isWritten(sql, begun, owned)),
        onSome: (found) =>
          found?.epoch === epoch ? Effect.succeed(found.commits >= begun.commits) : PostgresEpoch.lost(place, found)
      })
    )
  )
}

const inDoubt = (cause: SqlError) =>
  new HealingStoreError({
    reason: "InDoubt",
    detail:
      "The connection to the database was lost in the middle of a commit, and whether that is written cannot be told, so that " +
      "nothing is written any more: start this process again when the database can be reached. It goes on with what stands there",
    cause
  })

/**
 * A transaction after its commit was sent.
 *
 * - `lost`: why the server did not answer.
 */
interface Sent<A> {
  readonly value: A
  readonly begun: Begun
  readonly lost?: SqlError
}

/** Waits, if it has to, until the server can tell whether it was written. Nobody else ends the wait. */
const settle = <A>(
  sql: SqlClient,
  { begun, lost, value }: Sent<A>,
  owned: Owned
): Effect.Effect<A, HealingStoreError | SqlError> => {
  if (lost === undefined) return Effect.succeed(value)
  return isWritten(sql, begun, owned).pipe(
    Effect.timeoutFail({ duration: LONGEST, onTimeout: () => inDoubt(lost) }),
    // In a fiber of its own, so that the timeout can interrupt it.
    Effect.interruptible,
    Effect.forkDaemon,
    Effect.flatMap(Fiber.join),
    Effect.flatMap((isWritten) => (isWritten ? Effect.succeed(value) : Effect.fail(lost)))
  )
}

const commit = <A>(connection: Connection, ready: Omit<Sent<A>, "lost">): Effect.Effect<Sent<A>, SqlError> =>
  Effect.catchAll(Effect.as(connection.execute("COMMIT", [], undefined), ready), (error) =>
    isRefusal(error) ? Effect.fail(error) : Effect.succeed({ ...ready, lost: error })
  )

/**
 * - `epoch`: that in which everything is written, or nothing.
 * - `place`: what errors name.
 *
 * @internal
 */
export interface Owned {
  readonly epoch: number
  readonly place: Place
}

/**
 * One at a time, so that rows get their numbers in the order in which others can see them.
 *
 * - `sql`: of `PostgresClient.ts`.
 *
 * @internal
 */
export const make = (sql: SqlClient, owned: Owned): Transact => {
  const writer = Effect.unsafeMakeSemaphore(1)
  return (use) =>
    Effect.flatMap(sql.reserve, (connection) =>
      Effect.flatMap(begin(connection, owned), (begun) =>
        Effect.map(use(connection), (value) => ({ value, begun }))
      ).pipe(
        // One that cannot be rolled back is not to be given to somebody else, who would write within it.
        Effect.onError(() =>
          Effect.catchAll(connection.execute("ROLLBACK", [], undefined), () => endConnection(connection))
        ),
        Effect.flatMap((ready) => commit(connection, ready))
      )
    ).pipe(
      Effect.scoped,
      // Without that connection, of which a client may have a single one.
      Effect.flatMap((sent) => settle(sql, sent, owned)),
      writer.withPermits(1),
      Effect.uninterruptible
    )
}
