/**
 * A connection to a SQLite file.
 *
 * @internal
 */
import type { Reactivity } from "@effect/experimental/Reactivity"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import type { SqliteOptions } from "./SqliteDriver.js"
import { checkDriver } from "./SqliteVersions.js"
import { type Place, storeError } from "./SqlProblem.js"

/**
 * How long a statement waits for a lock, in milliseconds: time enough for a reader's, and not enough to be missed, since all of the process
 * stands still meanwhile.
 *
 * @internal
 */
export const BUSY_TIMEOUT = 250

/**
 * Opens it for as long as the scope is open. What the constructor of the client throws, which would be a defect, is a typed error.
 *
 * - `place`: what the error names.
 *
 * @internal
 */
export const connect = (
  place: Place,
  options: SqliteOptions
): Effect.Effect<SqlClient, HealingStoreError, Scope.Scope | Reactivity> =>
  // It is loaded when it is needed, since it loads native code.
  Effect.promise(() => import("./SqliteDriver.js")).pipe(
    Effect.tap(({ driver }) => checkDriver(driver)),
    Effect.flatMap(({ make }) => make(options)),
    Effect.catchAllCause((cause) => Effect.fail(storeError(place, "cannot be opened", Cause.squash(cause))))
  )
