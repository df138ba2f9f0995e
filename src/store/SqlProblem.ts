/**
 * What goes wrong in an SQL database, as a typed error.
 *
 * @internal
 */
import * as Migrator from "@effect/sql/Migrator"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { HealingStoreError } from "../HealingError.js"

const rootOf = (error: unknown): unknown =>
  (error instanceof SqlError || error instanceof Migrator.MigrationError) && error.cause !== undefined
    ? rootOf(error.cause)
    : error

/**
 * The code that SQLite gives its errors, such as `SQLITE_FULL`.
 *
 * @internal
 */
export const codeOf = (error: unknown): string | undefined => {
  const root = rootOf(error)
  return Predicate.hasProperty(root, "code") && typeof root.code === "string" ? root.code : undefined
}

const NO_DRIVER =
  "better-sqlite3 cannot be loaded: install it anew (npm install better-sqlite3@13), " +
  "which has binaries for Linux, macOS and Windows on x64 and arm64"

const reasons: ReadonlyArray<readonly [code: string, reason: HealingStoreError["reason"], why: string]> = [
  ["SQLITE_NOTADB", "NotADatabase", "it is not a SQLite database"],
  ["SQLITE_CORRUPT", "NotADatabase", "it is damaged: restore it from a copy"],
  [
    "SQLITE_READONLY",
    "ReadOnly",
    "it may only be read: let the process write the file, those beside it and its folder"
  ],
  ["SQLITE_FULL", "Full", "there is no room left: free some, work goes on by itself"],
  ["SQLITE_IOERR_WRITE", "Full", "the disk takes no more (it is full, or the file has reached its size limit)"],
  ["SQLITE_BUSY", "Unavailable", "another program holds it locked"],
  ["SQLITE_CANTOPEN", "Unavailable", "the file cannot be opened: its folder must exist and be writable"],
  ["ERR_MODULE_NOT_FOUND", "Unavailable", NO_DRIVER],
  ["MODULE_NOT_FOUND", "Unavailable", NO_DRIVER],
  ["ERR_DLOPEN_FAILED", "Unavailable", NO_DRIVER]
]

/** @internal */
export const storeError = (what: string, error: unknown): HealingStoreError => {
  if (error instanceof HealingStoreError) return error
  const code = codeOf(error) ?? ""
  const [, reason, why] = reasons.find(([known]) => code.startsWith(known)) ?? [
    code,
    "Unavailable" as const,
    code === "" ? "the database failed" : `the database failed with ${code}`
  ]
  return new HealingStoreError({
    reason,
    detail: `The store of healing requests ${what}: ${why}`,
    cause: rootOf(error)
  })
}

/**
 * Every failure becomes a `HealingStoreError`.
 *
 * @internal
 */
export const typed =
  (what: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, HealingStoreError, R> =>
    Effect.mapError(self, (error) => storeError(what, error))
