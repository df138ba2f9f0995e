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
import * as Schema from "effect/Schema"
import { HealingStoreError } from "../HealingError.js"
import * as PostgresEpoch from "./PostgresEpoch.js"
import { codeOf, type Place } from "./SqlProblem.js"
import type { Transact } from "./Transact.js"

/** The number of the transaction, which no other one of the server ever has, the process of the server that runs it, and the epoch now. */
const Begun = Schema.Tuple(Schema.Struct({ id: Schema.String, process: Schema.Int, ...PostgresEpoch.Epoch.fields }))

type Begun = (typeof Begun.Type)[0]

/**
 * A transaction holds rows locked. One whose client stands still, or is cut off, loses them after ten seconds.
 */
const BEGIN = `BEGIN; SELECT pg_current_xact_id()::text AS id, pg_backend_pid() AS process,
  set_config('idle_in_transaction_session_timeout', '10s', true), ${PostgresEpoch.CURRENT}`

const begin = (connection: Connection, { epoch, place }: Owned): Effect.Effect<Begun, HealingStoreError | SqlError> =>
  connection.execute(BEGIN, [], undefined).pipe(
    Effect.flatMap(Schema.decodeUnknown(Begun)),
    Effect.catchTag("ParseError", (cause) => new SqlError({ cause })),
    Effect.map(([begun]) => begun),
    Effect.tap((begun) => PostgresEpoch.isCurrent(place, epoch, begun))
  )

/** Whether the server itself has refused it: nothing is written then. Otherwise the connection was lost, or the server has ended. */
const isRefusal = (error: SqlError): boolean => {
  const code = codeOf(error)
  return code !== undefined && /^(?:[0-9]|F0|HV|P0|XX)[0-9A-Z]+$/.test(code) && !/^(?:08|57P|58|XX)/.test(code)
}

/** For so long the server is asked. A failover of a database takes less. */
const LONGEST = Duration.minutes(1)

const AGAIN = Duration.millis(250)

const Outcome = Schema.Tuple(
  Schema.Struct({ status: Schema.NullOr(Schema.Literal("committed", "aborted", "in progress")) })
)

type Outcome = "committed" | "aborted"

/**
 * What has become of a transaction whose commit was sent, as soon as the server can tell. If it still goes on, the server has not noticed that
 * its client is gone, and is told to end it.
 */
const outcome = (sql: SqlClient, begun: Begun): Effect.Effect<Outcome> =>
  sql`SELECT pg_xact_status(${begun.id}::xid8) AS status`.pipe(
    Effect.flatMap(Schema.decodeUnknown(Outcome)),
    Effect.map(([{ status }]) => status),
    // A server that has taken the place of the other one, and never got that far.
    Effect.catchIf(
      (error) => codeOf(error) === "22023",
      () => Effect.succeed("aborted" as const)
    ),
    Effect.tap((status) =>
      status === "in progress"
        ? sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE pid = ${begun.process} AND backend_xid = ${begun.id}::xid8::xid`
        : Effect.void
    ),
    Effect.catchAll(() => Effect.succeed(null)),
    Effect.flatMap((status) =>
      status === "committed" || status === "aborted"
        ? Effect.succeed(status)
        : Effect.zipRight(Effect.sleep(AGAIN), outcome(sql, begun))
    )
  )

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

/** Waits, if it has to, until the server can tell whether it was written. */
const settle = <A>(sql: SqlClient, { begun, lost, value }: Sent<A>): Effect.Effect<A, HealingStoreError | SqlError> => {
  if (lost === undefined) return Effect.succeed(value)
  return outcome(sql, begun).pipe(
    Effect.interruptible,
    Effect.timeoutFail({ duration: LONGEST, onTimeout: () => inDoubt(lost) }),
    Effect.flatMap((status) => (status === "committed" ? Effect.succeed(value) : Effect.fail(lost)))
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
        // The database may have done so by itself already.
        Effect.onError(() => Effect.ignore(connection.execute("ROLLBACK", [], undefined))),
        Effect.flatMap((ready) => commit(connection, ready))
      )
    ).pipe(
      Effect.scoped,
      // Without that connection, of which a client may have a single one.
      Effect.flatMap((sent) => settle(sql, sent)),
      writer.withPermits(1),
      Effect.uninterruptible
    )
}
