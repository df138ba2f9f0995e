/**
 * Keeps a SQLite file and its log small: moves pages from the log into the file, and gives room back that the file does not need.
 *
 * The log grows for as long as somebody reads, and SQLite moves its pages only within a commit. So it is looked at after each commit, and
 * once more when nothing has been written for a while.
 *
 * @internal
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import { giveWay } from "../internal/Clocks.js"
import { BUSY_TIMEOUT } from "./SqliteConnection.js"
import { newMark, SqliteIdentity } from "./SqliteIdentity.js"
import { inTransaction } from "./SqliteTransaction.js"

const MEGABYTE = 1024 * 1024

/**
 * The log keeps no more than this when it is written from its start again. It is more than what comes between two moves: to make the file
 * of the log longer takes a third of the time of a commit.
 */
const LOG_SIZE = 16 * MEGABYTE

/** After so many changes its pages are moved into the file. A change is some four pages. */
const MANY_CHANGES = 200

const IDLE = Duration.seconds(30)

/** When it is tried again, if a reader was in the way. */
const BLOCKED = Duration.minutes(5)

/** Pages that are given back in one transaction, which takes about a millisecond. */
const AT_ONCE = 250

/** Below it, free pages are left for what is written next. */
const MIN_FREE = 1000

/** A file of a former version is written anew, so that it can give room back, if that takes no longer than about a second. */
const MAX_REWRITE = 64 * MEGABYTE

/**
 * Makes the file one that can give room back, if that is quick and nobody else has tables in it: to write a file anew can number the
 * rows of tables without a key anew.
 *
 * @internal
 */
export const prepare = (sql: SqlClient): Effect.Effect<void, SqlError> =>
  Effect.gen(function* () {
    const [mode] = yield* sql<{ readonly auto_vacuum: number }>`PRAGMA auto_vacuum`
    if (mode?.auto_vacuum === 2) return
    const [file] = yield* sql<{ readonly bytes: number; readonly others: number }>`
      SELECT page_count * page_size AS bytes,
        (SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'healing_*') AS others
      FROM pragma_page_count, pragma_page_size`
    if (file === undefined || file.bytes > MAX_REWRITE || file.others > 0) return
    yield* sql`PRAGMA auto_vacuum = INCREMENTAL`
    // Where there is no room for it now, the file stays as it is until the next start.
    yield* Effect.ignore(sql`VACUUM`)
  })

/**
 * Moves what is in the log into the file. `PASSIVE` does so as far as readers let it, `TRUNCATE` also empties the log. Returns whether
 * no reader was in the way. Nothing is moved into a file that is not ours any more.
 */
const checkpointOf =
  (sql: SqlClient, identity: SqliteIdentity, check: Effect.Effect<void, HealingStoreError>) =>
  (mode: "PASSIVE" | "TRUNCATE"): Effect.Effect<boolean, HealingStoreError | SqlError> =>
    Effect.flatMap(Effect.zipRight(check, sql.reserve), (connection) =>
      Effect.suspend((): Effect.Effect<boolean, HealingStoreError | SqlError> => {
        const beside = identity.beside
        if (beside !== undefined) return Effect.fail(beside)
        const mark = newMark()
        identity.willMove(mark)
        const run = (statement: string) => connection.executeUnprepared(statement, [], undefined)
        return run(`PRAGMA user_version = ${mark}`).pipe(
          // A reader is not waited for, since all of the process would stand still.
          Effect.zipRight(run("PRAGMA busy_timeout = 0")),
          Effect.zipRight(run(`PRAGMA wal_checkpoint(${mode})`)),
          Effect.map(([row]) => isComplete(row)),
          Effect.ensuring(Effect.ignore(run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`))),
          Effect.onExit((exit) => Effect.sync(() => identity.hasMoved(Exit.isSuccess(exit) && exit.value)))
        )
      })
    ).pipe(Effect.scoped, Effect.uninterruptible)

const Moved = Schema.Struct({ busy: Schema.Int, log: Schema.Int, checkpointed: Schema.Int })

const isMoved = Schema.is(Moved)

const isComplete = (row: unknown): boolean => isMoved(row) && row.busy === 0 && row.log === row.checkpointed

const givePagesBack = (sql: SqlClient, pages: number): Effect.Effect<void, SqlError> =>
  Effect.flatMap(sql.reserve, (connection) => {
    // The client steps a statement once, and so gives one page back each time.
    const page = connection.executeUnprepared("PRAGMA incremental_vacuum(1)", [], undefined)
    return inTransaction(connection, Effect.repeatN(page, pages - 1))
  }).pipe(Effect.scoped, Effect.uninterruptible)

/** What it does is no condition for anything else, and is done again. Nothing is logged, since a logger that throws would end it. */
const whatever = (upkeep: Effect.Effect<unknown, HealingStoreError | SqlError>): Effect.Effect<void> =>
  Effect.catchAllCause(Effect.asVoid(upkeep), () => Effect.void)

/** Gives pages back that are free, if they are many, in small steps. */
const giveRoomBack = (sql: SqlClient): Effect.Effect<void, SqlError> =>
  Effect.gen(function* () {
    const [pages] = yield* sql<{ readonly free: number; readonly all: number }>`
      SELECT freelist_count AS free, page_count AS "all" FROM pragma_freelist_count, pragma_page_count`
    if (pages === undefined || pages.free < MIN_FREE || pages.free * 4 < pages.all) return
    for (let left = pages.free; left > 0; left -= AT_ONCE) {
      yield* givePagesBack(sql, Math.min(left, AT_ONCE))
      yield* giveWay
    }
  })

/**
 * - `committed`: so many changes were written.
 *
 * @internal
 */
export interface SqliteUpkeep {
  readonly committed: (changes: number) => Effect.Effect<void>
}

/**
 * The files as they are now, when they have been opened and written.
 *
 * @internal
 */
export const identify = (sql: SqlClient, file: string): Effect.Effect<SqliteIdentity, SqlError> =>
  Effect.map(
    sql<{ readonly user_version: number }>`PRAGMA user_version`,
    ([header]) => new SqliteIdentity(file, header?.user_version ?? 0)
  )

/**
 * Looks after the file for as long as the scope is open.
 *
 * - `check`: that the file is still this one, and this process its owner, before anything is changed in it.
 *
 * @internal
 */
export const make = (
  sql: SqlClient,
  identity: SqliteIdentity,
  check: Effect.Effect<void, HealingStoreError>
): Effect.Effect<SqliteUpkeep, HealingStoreError | SqlError, Scope.Scope> =>
  Effect.gen(function* () {
    yield* sql`PRAGMA wal_autocheckpoint = 0`
    yield* sql.unsafe(`PRAGMA journal_size_limit = ${LOG_SIZE}`)
    const checkpoint = checkpointOf(sql, identity, check)
    yield* checkpoint("TRUNCATE")

    const written = yield* Effect.makeLatch(false)
    let writes = 0
    let changed = 0

    const moveIfMany = Effect.suspend(() => {
      if (changed < MANY_CHANGES) return Effect.void
      changed = 0
      // What cannot be moved now is moved later: the commit itself has succeeded.
      return whatever(checkpoint("PASSIVE"))
    })

    const tidy: Effect.Effect<void, HealingStoreError | SqlError> = Effect.zipRight(
      Effect.zipRight(check, giveRoomBack(sql)),
      checkpoint("TRUNCATE")
    ).pipe(
      Effect.flatMap((isDone) => {
        return isDone ? Effect.void : Effect.zipRight(Effect.sleep(BLOCKED), tidy)
      })
    )

    const tidyWhenIdle: Effect.Effect<void, HealingStoreError | SqlError> = Effect.suspend(() => {
      const before = writes
      return Effect.flatMap(Effect.sleep(IDLE), () => (writes === before ? tidy : tidyWhenIdle))
    })

    yield* written.await.pipe(
      Effect.zipRight(Effect.sync(() => written.unsafeClose())),
      Effect.zipRight(whatever(tidyWhenIdle)),
      Effect.forever,
      Effect.forkScoped
    )
    return {
      committed: (changes) => {
        writes++
        changed += changes
        written.unsafeOpen()
        return moveIfMany
      }
    }
  })
