/**
 * Who owns a PostgreSQL database: whoever has opened it last. Each opening is an epoch, and nothing of an older one is written any more.
 *
 * @internal
 */
import { hostname } from "node:os"
import type { SqlClient } from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { HealingStoreError } from "../HealingError.js"
import type { Place } from "./SqlProblem.js"

/** How it stands in a row, with the number of commits that there were in all epochs. */
const Epoch = Schema.Struct({ epoch: Schema.Int, holder: Schema.NullOr(Schema.String), commits: Schema.Int })

/** @internal */
export type Epoch = typeof Epoch.Type

/**
 * Begins a commit of an epoch: it counts it, and keeps the row locked until its transaction has ended, for which whoever takes the next epoch
 * waits. No row comes back if it is another epoch by now.
 *
 * @internal
 */
export const countedIn = (epoch: number): string =>
  `UPDATE healing_epoch SET commits = commits + 1 WHERE id = 1 AND epoch = ${epoch} RETURNING commits`

/**
 * - `epoch`: its number; each is higher than those before it.
 * - `former`: the process that has not closed the one before.
 */
const Taken = Schema.Struct({ epoch: Schema.Int, former: Schema.NullOr(Schema.String) })

/** @internal */
export interface Taken extends Schema.Schema.Type<typeof Taken> {}

/**
 * Begins the next one, as soon as no older one is in the middle of a commit.
 *
 * @internal
 */
export const take = (sql: SqlClient): Effect.Effect<Taken, ParseError | SqlError> =>
  sql`UPDATE healing_epoch SET epoch = healing_epoch.epoch + 1, holder = ${`${hostname()}, process ${process.pid}`},
      taken_at = clock_timestamp()
    FROM (SELECT holder FROM healing_epoch WHERE id = 1 FOR UPDATE) AS before
    WHERE id = 1 RETURNING healing_epoch.epoch AS epoch, before.holder AS former`.pipe(
    Effect.flatMap(Schema.decodeUnknown(Schema.Tuple(Taken))),
    Effect.map(([taken]) => taken)
  )

/**
 * Whoever comes next need not wait for it.
 *
 * @internal
 */
export const release = (sql: SqlClient, epoch: number): Effect.Effect<void, SqlError> =>
  Effect.asVoid(sql`UPDATE healing_epoch SET holder = NULL WHERE id = 1 AND epoch = ${epoch}`)

/**
 * What stands there now, if there is anything.
 *
 * - `run`: runs a statement.
 * - `how`: `FOR UPDATE` waits for a commit that goes on.
 *
 * @internal
 */
export const current = (
  run: (statement: string) => Effect.Effect<ReadonlyArray<unknown>, SqlError>,
  how: "" | "FOR UPDATE" = ""
): Effect.Effect<Epoch | undefined, SqlError> => {
  // Alone it would wait for as long as somebody has the row.
  const limit = how === "" ? "" : "SET LOCAL lock_timeout = '1s'; "
  return run(`${limit}SELECT epoch, holder, commits FROM healing_epoch WHERE id = 1 ${how}`).pipe(
    Effect.flatMap(Schema.decodeUnknown(Schema.Array(Epoch))),
    Effect.catchTag("ParseError", (cause) => new SqlError({ cause })),
    Effect.map(([found]) => found)
  )
}

/**
 * Why nothing of an epoch is written any more.
 *
 * - `place`: what the error names.
 * - `found`: what stands there by now.
 *
 * @internal
 */
export const lost = (place: Place, found: Epoch | undefined): HealingStoreError =>
  found === undefined
    ? new HealingStoreError({
        reason: "Replaced",
        detail:
          `${place.name} has lost the row of healing_epoch, by which its owner is known: stop this process, restore the row ` +
          "(INSERT INTO healing_epoch (id, epoch, commits) VALUES (1, 1000000, 0)) or the last backup, and start again"
      })
    : new HealingStoreError({
        reason: "Owned",
        detail:
          `${place.name} was opened by another process${found.holder === null ? "" : ` (${found.holder})`}, and is that one's by now: ` +
          "this process writes nothing into it any more. Stop one of the two"
      })

/**
 * Asks the database whether it is another one by now. That it cannot be reached, or does not answer in time, is no answer.
 *
 * @internal
 */
export const check = (sql: SqlClient, place: Place, epoch: number): Effect.Effect<void, HealingStoreError> =>
  current((statement) => sql.unsafe(statement)).pipe(
    Effect.timeout("1 second"),
    Effect.option,
    Effect.flatMap(
      Option.match({
        onNone: () => Effect.void,
        onSome: (found) => (found?.epoch === epoch ? Effect.void : Effect.fail(lost(place, found)))
      })
    ),
    Effect.withTracerEnabled(false)
  )
