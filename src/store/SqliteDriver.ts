/**
 * The SQLite client of Effect, on the better-sqlite3 that this package depends on. `@effect/sql-sqlite-node` itself asks for an
 * older one, which aborts the process on Node 24.19 and later 24s, so `build.mjs` puts its code into this module.
 *
 * @internal
 */
import type { Reactivity } from "@effect/experimental/Reactivity"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import Sqlite from "better-sqlite3"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** @internal */
export interface SqliteOptions {
  readonly filename: string
  readonly readonly?: boolean
  readonly disableWAL?: boolean
}

/**
 * What `make` opens files with.
 *
 * @internal
 */
export const driver: unknown = Sqlite

/**
 * What better-sqlite3 throws when it opens the file is a defect.
 *
 * @internal
 */
export const make: (options: SqliteOptions) => Effect.Effect<SqlClient, never, Scope.Scope | Reactivity> =
  SqliteClient.make
