/**
 * Who owns a PostgreSQL database: whoever has opened it last. Each opening is an epoch, and nothing of an older one is written any more.
 *
 * @internal
 */
import { hostname } from "node:os"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { HealingStoreError } from "../HealingError.js"
import { type Place, typed } from "./SqlProblem.js"

/**
 * - `epoch`: its number; each is higher than those before it.
 * - `former`: the process that has not closed the one before.
 *
 * @internal
 */
export interface Taken {
  readonly epoch: number
  readonly former: string | null
}

/**
 * The current epoch, as part of a statement, and locked until the transaction ends: who takes the next one waits for that.
 *
 * @internal
 */
export const CURRENT = "epoch, holder FROM healing_epoch WHERE id = 1 FOR SHARE"

/**
 * How it stands in a row.
 *
 * @internal
 */
export const Epoch = Schema.Struct({ epoch: Schema.Int, holder: Schema.NullOr(Schema.String) })

const TakenRow = Schema.Tuple(Schema.Struct({ epoch: Schema.Int, former: Schema.NullOr(Schema.String) }))

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
    Effect.flatMap(Schema.decodeUnknown(TakenRow)),
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
 * Fails if it is another one by now.
 *
 * - `place`: what the error names.
 *
 * @internal
 */
export const isCurrent = (
  place: Place,
  epoch: number,
  { epoch: current, holder }: typeof Epoch.Type
): Effect.Effect<void, HealingStoreError> =>
  current === epoch
    ? Effect.void
    : new HealingStoreError({
        reason: "Owned",
        detail:
          `${place.name} was opened by another process${holder === null ? "" : ` (${holder})`}, and is that one's by now: ` +
          "this process writes nothing into it any more. Stop one of the two"
      })

/**
 * Asks the database. That it cannot be reached now is no answer.
 *
 * @internal
 */
export const check = (sql: SqlClient, place: Place, epoch: number): Effect.Effect<void, HealingStoreError> =>
  sql`SELECT epoch, holder FROM healing_epoch WHERE id = 1`.pipe(
    Effect.flatMap(Schema.decodeUnknown(Schema.Tuple(Epoch))),
    typed(place)("cannot be read"),
    Effect.catchAll(() => Effect.succeedNone),
    Effect.flatMap((found) => (Array.isArray(found) ? isCurrent(place, epoch, found[0]) : Effect.void)),
    Effect.withTracerEnabled(false)
  )
