/**
 * A SQLite file of our own: made if it is not there, safe from power cuts, and owned by one process at a time.
 *
 * @internal
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import { SqlClient } from "@effect/sql/SqlClient"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { HealingStoreError } from "../HealingError.js"
import type { SqliteOptions } from "./SqliteDriver.js"
import { checkDriver } from "./SqliteVersions.js"
import { codeOf, storeError } from "./SqlProblem.js"

type Connected = Effect.Effect<SqlClient, HealingStoreError, Scope.Scope | Reactivity.Reactivity>

/** What the constructor of the client throws surfaces as a defect. */
const connect = (options: SqliteOptions): Connected =>
  // It is loaded when it is needed, since it loads native code.
  Effect.promise(() => import("./SqliteDriver.js")).pipe(
    Effect.tap(({ driver }) => checkDriver(driver)),
    Effect.flatMap(({ make }) => make(options)),
    Effect.catchAllCause((cause) =>
      Effect.fail(storeError(`in ${options.filename} cannot be opened`, Cause.squash(cause)))
    )
  )

const Owner = Schema.Tuple(Schema.Struct({ pid: Schema.Int, since: Schema.Int }))

/** Who owns the file, as far as it tells. */
const describeOwner = (filename: string): Effect.Effect<string, never, Reactivity.Reactivity> =>
  connect({ filename, readonly: true, disableWAL: true }).pipe(
    Effect.flatMap((sql) => sql`SELECT pid, since FROM healing_owner`),
    Effect.flatMap(Schema.decodeUnknown(Owner)),
    Effect.map(([{ pid, since }]) => `the process ${pid}, since ${new Date(since).toISOString()}`),
    Effect.orElseSucceed(() => "another process"),
    Effect.scoped
  )

/** Locks the file for as long as the scope is open, or the process lives. */
const lock = (filename: string): Effect.Effect<void, HealingStoreError, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    const sql = yield* connect({ filename: `${filename}-owner`, disableWAL: true })
    // The loser is told at once.
    yield* sql.unsafe("PRAGMA busy_timeout = 0")
    yield* sql.unsafe("BEGIN EXCLUSIVE")
  }).pipe(
    Effect.catchAll((error) =>
      codeOf(error)?.startsWith("SQLITE_BUSY") === true
        ? Effect.flatMap(describeOwner(filename), (owner) => Effect.fail(inUse(filename, owner)))
        : Effect.fail(storeError(`in ${filename} cannot be opened`, error))
    )
  )

const inUse = (filename: string, owner: string) =>
  new HealingStoreError({
    reason: "Owned",
    detail: `${filename} is in use by ${owner}: stop that one, or give each its own file`
  })

/** Returns the name that the file has without links, so that it has one owner under all of its names. */
const makeRoom = (filename: string): Effect.Effect<string, HealingStoreError, FileSystem | Path> =>
  Effect.gen(function* () {
    if (filename === "") {
      return yield* new HealingStoreError({
        reason: "Unavailable",
        detail: 'The file of healing requests has no name: name one, or ":memory:" to keep them nowhere'
      })
    }
    const fileSystem = yield* FileSystem
    const path = yield* Path
    yield* fileSystem.makeDirectory(path.dirname(filename), { recursive: true })
    const type = yield* Effect.option(fileSystem.stat(filename))
    if (type._tag === "Some" && type.value.type !== "File") {
      return yield* new HealingStoreError({
        reason: "NotADatabase",
        detail: `${filename} is a ${type.value.type.toLowerCase()}: name a file`
      })
    }
    if (type._tag === "None") return filename
    // This is checked before SQLite looks at it: SQLite would leave files beside it that may only be read, too, and stay in the way.
    yield* Effect.mapError(
      fileSystem.access(filename, { writable: true }),
      (cause) =>
        new HealingStoreError({
          reason: "ReadOnly",
          detail: `${filename} may only be read: let the process write it and its folder`,
          cause
        })
    )
    return yield* fileSystem.realPath(filename)
  }).pipe(
    Effect.catchTags({
      BadArgument: (error) => Effect.fail(storeError(`in ${filename} cannot be opened`, error)),
      SystemError: (error) =>
        new HealingStoreError({
          reason: error.reason === "PermissionDenied" ? "ReadOnly" : "Unavailable",
          detail: `The folder of ${filename} cannot be made or read (${error.reason}): name one that can be written`,
          cause: error
        })
    })
  )

const open = (name: string) =>
  Effect.gen(function* () {
    const filename = name === ":memory:" ? name : yield* makeRoom(name)
    if (filename !== ":memory:") yield* lock(filename)
    const sql = yield* connect({ filename })
    const since = yield* Clock.currentTimeMillis
    yield* Effect.mapError(
      Effect.gen(function* () {
        yield* sql`PRAGMA synchronous = FULL`
        // Time enough for a reader's lock, and not enough to be missed: all of the process stands still meanwhile.
        yield* sql`PRAGMA busy_timeout = 250`
        yield* sql`CREATE TABLE IF NOT EXISTS healing_owner (id INTEGER PRIMARY KEY, pid INTEGER, since INTEGER)`
        yield* sql`INSERT INTO healing_owner ${sql.insert({ id: 1, pid: process.pid, since })}
          ON CONFLICT (id) DO UPDATE SET pid = excluded.pid, since = excluded.since`
      }),
      (error) => storeError(`in ${filename} cannot be opened`, error)
    )
    return sql
  })

/** @internal */
export const layer = (filename: string): Layer.Layer<SqlClient, HealingStoreError, FileSystem | Path> =>
  // The driver takes it without the spaces around it, too, and without a name keeps everything in a file that it removes.
  Layer.scoped(SqlClient, open(filename.trim())).pipe(Layer.provide(Reactivity.layer))
