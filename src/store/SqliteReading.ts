/**
 * A SQLite file of somebody else, from which one only reads.
 *
 * @internal
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import type { Journal } from "./Journal.js"
import { connect } from "./SqliteConnection.js"
import * as SqlStore from "./SqlStore.js"

/**
 * Opens it for as long as the scope is open, whoever owns it. Whatever would write fails. It fails if there is no such file, and if another
 * version of this package has written it.
 *
 * @internal
 */
export const open = (filename: string): Effect.Effect<Journal, HealingStoreError, Scope.Scope> => {
  const place = { name: filename, file: filename, isReadOnly: true }
  return connect(place, { filename, readonly: true, disableWAL: true }).pipe(
    Effect.flatMap((sql) => Effect.provideService(SqlStore.make(place), SqlClient, sql)),
    Effect.withTracerEnabled(false),
    Effect.provide(Reactivity.layer)
  )
}
