/**
 * Who owns a SQLite file: one process at a time.
 *
 * Two things keep it so. A lock on a second file beside it, `<file>-owner`, is held for as long as the process lives, and is gone with it.
 * A token in the file itself, written by the owner when it opens, is checked in each statement that writes: should somebody have
 * removed the second file, so that another process has locked a new one, the first one writes nothing any more.
 *
 * @internal
 */
import { randomBytes } from "node:crypto"
import * as Reactivity from "@effect/experimental/Reactivity"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { HealingStoreError } from "../HealingError.js"
import { isAlive } from "../internal/Pid.js"
import { type FileAtPath, isSame, lookAt } from "./FileAtPath.js"
import { nameProcess, writeLockHolder } from "./FileTrouble.js"
import { connect } from "./SqliteConnection.js"
import { codeOf, inFile, storeError } from "./SqlProblem.js"

/** @internal */
export const lockFileOf = (file: string): string => `${file}-owner`

const Owner = Schema.Tuple(Schema.Struct({ pid: Schema.Int, since: Schema.Int }))

/** Who owns the file, as far as it tells. */
const describeOwner = (file: string): Effect.Effect<string, never, Reactivity.Reactivity> =>
  connect(inFile(file), { filename: file, readonly: true, disableWAL: true }).pipe(
    Effect.flatMap((sql) => sql`SELECT pid, since FROM healing_owner`),
    Effect.flatMap(Schema.decodeUnknown(Owner)),
    Effect.map(([{ pid, since }]) => {
      // The one that holds the lock may not have written its number yet.
      const holder = writeLockHolder(lockFileOf(file)) ?? pid
      return `${nameProcess(holder)}${holder === pid ? `, since ${new Date(since).toISOString()}` : ""}`
    }),
    Effect.orElseSucceed(() => "another process"),
    Effect.scoped
  )

const inUse = (file: string): Effect.Effect<never, HealingStoreError, Reactivity.Reactivity> =>
  Effect.flatMap(
    describeOwner(file),
    (owner) =>
      new HealingStoreError({
        reason: "Owned",
        detail:
          `${file} is in use by ${owner}: stop that one, or give each its own file. ` +
          `Leave ${lockFileOf(file)} where it is: its lock ends with that process`
      })
  )

/**
 * What a process hears that is no longer the owner.
 *
 * @internal
 */
export const lost = (file: string): Effect.Effect<HealingStoreError> =>
  Effect.map(
    describeOwner(file),
    (owner) =>
      new HealingStoreError({
        reason: "Owned",
        detail:
          `${file} is owned by ${owner}: somebody has removed ${lockFileOf(file)}, which kept it for this process. ` +
          "This process reviews nothing and writes nothing any more: stop one of the two"
      })
  ).pipe(Effect.provide(Reactivity.layer))

/**
 * Locks the second file for as long as the scope is open, or the process lives. It writes within the transaction that holds the lock:
 * SQLite would open a file that it may not write for reading only, and begin a transaction on it that locks nothing.
 */
const lock = (file: string): Effect.Effect<void, HealingStoreError, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    const sql = yield* connect(inFile(lockFileOf(file)), { filename: lockFileOf(file), disableWAL: true })
    // The loser is told at once.
    yield* sql.unsafe("PRAGMA busy_timeout = 0")
    // Nothing of it is ever to be rolled back after a crash, so it needs no third file.
    yield* sql.unsafe("PRAGMA journal_mode = MEMORY")
    yield* sql.unsafe("BEGIN EXCLUSIVE")
    yield* sql.unsafe("CREATE TABLE IF NOT EXISTS healing_lock (id INTEGER PRIMARY KEY)")
    yield* sql.unsafe("INSERT INTO healing_lock DEFAULT VALUES")
  }).pipe(
    Effect.catchAll((error) =>
      codeOf(error)?.startsWith("SQLITE_BUSY") === true
        ? inUse(file)
        : Effect.fail(storeError(inFile(lockFileOf(file)), "cannot be locked", error))
    )
  )

/**
 * Writes into the file who owns it. Files of former versions have no column for the token. Returns the process that owned it before, if
 * that lives.
 */
const claim = (sql: SqlClient, token: string): Effect.Effect<number | undefined, SqlError> =>
  Effect.gen(function* () {
    const since = yield* Clock.currentTimeMillis
    yield* sql`CREATE TABLE IF NOT EXISTS healing_owner (id INTEGER PRIMARY KEY, pid INTEGER, since INTEGER, token TEXT)`
    const columns = yield* sql<{ readonly name: string }>`PRAGMA table_info(healing_owner)`
    if (!columns.some(({ name }) => name === "token")) yield* sql`ALTER TABLE healing_owner ADD COLUMN token TEXT`
    const [before] = yield* sql<{ readonly pid: unknown }>`SELECT pid FROM healing_owner WHERE id = 1`
    yield* sql`INSERT INTO healing_owner ${sql.insert({ id: 1, pid: process.pid, since, token })}
      ON CONFLICT (id) DO UPDATE SET pid = excluded.pid, since = excluded.since, token = excluded.token`
    const pid = Number(before?.pid)
    return pid > 0 && pid !== process.pid && isAlive(pid) ? pid : undefined
  })

/** A process that has closed the file and lives is in nobody's way. */
const disown = (sql: SqlClient, token: string): Effect.Effect<void, SqlError> =>
  Effect.asVoid(sql`UPDATE healing_owner SET pid = NULL WHERE id = 1 AND token = ${token}`)

/**
 * A trigger of this connection alone, for each of our tables and each kind of writing. It is part of every statement that writes, whoever
 * makes that, so none can be forgotten.
 */
const fence = (sql: SqlClient, token: string): Effect.Effect<void, SqlError> =>
  Effect.gen(function* () {
    const tables = yield* sql<{ readonly name: string }>`
      SELECT name FROM main.sqlite_master WHERE type = 'table' AND name GLOB 'healing_*' AND name <> 'healing_owner'`
    for (const { name } of tables) {
      for (const writing of ["INSERT", "UPDATE", "DELETE"]) {
        yield* sql.unsafe(`CREATE TEMP TRIGGER healing_fence_${writing}_${name} BEFORE ${writing} ON main.${name}
          WHEN NOT EXISTS (SELECT 1 FROM main.healing_owner WHERE id = 1 AND token = '${token}')
          BEGIN SELECT RAISE(ABORT, 'healing_fence'); END`)
      }
    }
  })

/**
 * - `claim`: writes into the file who owns it. Returns the process that did so before, if it lives.
 * - `disown`: the last thing that is written, when the file is closed.
 * - `fence`: from now on this connection writes nothing once another process is the owner: `FENCED` is the code of that. It is asked for
 *   when all tables are there.
 * - `keep`: locks the second file anew, should somebody have removed it, and tells whether that was so. It fails with the reason `Owned` if
 *   another process was faster, and with another one if the file cannot be locked now.
 *
 * @internal
 */
export interface SqliteOwner {
  readonly claim: (sql: SqlClient) => Effect.Effect<number | undefined, SqlError>
  readonly disown: (sql: SqlClient) => Effect.Effect<void, SqlError>
  readonly fence: (sql: SqlClient) => Effect.Effect<void, SqlError>
  readonly keep: Effect.Effect<boolean, HealingStoreError>
}

/**
 * Becomes the owner of the file, for as long as the scope is open. It fails with the reason `Owned` if another process is.
 *
 * @internal
 */
export const make = (
  file: string
): Effect.Effect<SqliteOwner, HealingStoreError, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<Reactivity.Reactivity>()
    const layerScope = yield* Effect.scope
    const token = randomBytes(16).toString("hex")
    let locked: FileAtPath
    let held: Scope.CloseableScope | undefined

    /** The lock before, on a file that is at no path any more, is given up for the new one, and not before. */
    const lockAnew = Effect.gen(function* () {
      const scope = yield* Scope.fork(layerScope, ExecutionStrategy.sequential)
      yield* lock(file).pipe(
        // First of the two: the scope of the layer is in the context as well.
        Scope.extend(scope),
        Effect.provide(context),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      const before = held
      held = scope
      locked = lookAt(lockFileOf(file))
      if (before !== undefined) yield* Scope.close(before, Exit.void)
    })

    yield* lockAnew
    return {
      claim: (sql) => claim(sql, token),
      disown: (sql) => disown(sql, token),
      fence: (sql) => fence(sql, token),
      keep: Effect.suspend(() =>
        isSame(lookAt(lockFileOf(file)), locked) ? Effect.succeed(false) : Effect.as(lockAnew, true)
      )
    }
  })
