/**
 * What goes wrong in an SQL database, as a typed error that says where, why, and what helps.
 *
 * @internal
 */
import * as Migrator from "@effect/sql/Migrator"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { HealingStoreError } from "../HealingError.js"
import * as FileTrouble from "./FileTrouble.js"
import * as PostgresProblem from "./PostgresProblem.js"

/**
 * Where requests are kept.
 *
 * - `name`: in words: the path of the file, if it is one.
 * - `file`: the path of the file.
 * - `isReadOnly`: whether nothing is written there, by somebody who does not own it.
 *
 * @internal
 */
export interface Place {
  readonly name: string
  readonly file: string | undefined
  readonly isReadOnly?: boolean
}

/** @internal */
export const inFile = (file: string): Place => ({ name: file, file })

/** @internal */
export const inMemory: Place = { name: "the database in memory", file: undefined }

/** @internal */
export const inClient: Place = { name: "the database of the SqlClient", file: undefined }

const rootOf = (error: unknown): unknown =>
  (error instanceof SqlError || error instanceof Migrator.MigrationError) && error.cause !== undefined
    ? rootOf(error.cause)
    : error

/**
 * The code that the database gives its errors, such as `SQLITE_FULL`, or the network.
 *
 * @internal
 */
export const codeOf = (error: unknown): string | undefined => {
  const root = rootOf(error)
  return Predicate.hasProperty(root, "code") && typeof root.code === "string" ? root.code : undefined
}

/** The database names tables and columns in it, and no values. */
const messageOf = (error: unknown): string => {
  const root = rootOf(error)
  return root instanceof Error && root.message !== "" ? root.message : "no reason was given"
}

/**
 * A write that came too late: another process owns the file. The trigger that says so stands in `SqliteOwner.ts`.
 *
 * @internal
 */
export const FENCED = "SQLITE_CONSTRAINT_TRIGGER"

/**
 * Whether a row that is there already is in the way.
 *
 * @internal
 */
export const isConstraint = (error: unknown): boolean => {
  const code = codeOf(error)
  if (code === undefined) return false
  return (code.startsWith("SQLITE_CONSTRAINT") && code !== FENCED) || PostgresProblem.isConstraint(code)
}

const NO_DRIVER =
  "better-sqlite3 cannot be loaded: install it anew (npm install better-sqlite3@13), " +
  "which has binaries for Linux, macOS and Windows on x64 and arm64"

const isReadOnly = ({ file }: Place): string =>
  (file && FileTrouble.mayNotWrite(file)) ??
  "it may only be read: let this process write it, the files beside it and its folder"

const isFull = ({ file }: Place): string => {
  const room = file === undefined ? undefined : FileTrouble.roomFor(file)
  return `there is no room left${room === undefined ? "" : ` (${room})`}: free some; ${PostgresProblem.GOES_ON}`
}

/** A file that has reached the limit of its size fails as one on a full disk does. */
const takesNoMore = (place: Place): string =>
  `${isFull(place)}. Or the file has reached the limit of its size (ulimit -f)`

const isLocked = ({ file }: Place): string =>
  file === undefined
    ? `another program holds it locked: end its transaction; ${PostgresProblem.GOES_ON}`
    : `${FileTrouble.lockedBy(file)} holds it locked: end that (fuser -v ${file}* shows who has it open); ${PostgresProblem.GOES_ON}`

const isDamaged = ({ file }: Place): string =>
  file === undefined
    ? "it is damaged: restore it from a backup"
    : `it is damaged: stop this process, and restore the last backup, or save what can be read: sqlite3 ${file} .recover | sqlite3 ${file}.recovered`

const isNoDatabase = ({ file }: Place): string =>
  file === undefined
    ? "it is not a SQLite database"
    : `it is not a SQLite database, and was left as it is: name another file, or move this one away (mv ${file} ${file}.other)`

const isUnopenable = ({ file }: Place): string =>
  (file && FileTrouble.mayNotWrite(file)) ??
  "its folder must exist and be writable, and ulimit -n must leave room for more open files"

type Why = (place: Place, error: unknown) => string

/** The longest code that fits comes first. */
const reasons: ReadonlyArray<readonly [code: string, reason: HealingStoreError["reason"], why: Why]> = [
  ["SQLITE_NOTADB", "NotADatabase", isNoDatabase],
  ["SQLITE_CORRUPT", "NotADatabase", isDamaged],
  ["SQLITE_READONLY", "ReadOnly", isReadOnly],
  ["SQLITE_PERM", "ReadOnly", isReadOnly],
  ["SQLITE_FULL", "Full", isFull],
  ["SQLITE_IOERR_WRITE", "Full", takesNoMore],
  [
    "SQLITE_IOERR",
    "Unavailable",
    (_, error) =>
      `its disk reports an error (${codeOf(error)}): see the log of the system (dmesg); ${PostgresProblem.GOES_ON}`
  ],
  ["SQLITE_BUSY", "Unavailable", isLocked],
  ["SQLITE_LOCKED", "Unavailable", isLocked],
  ["SQLITE_CANTOPEN", "Unavailable", isUnopenable],
  [FENCED, "Owned", () => "another process owns it by now"],
  ...PostgresProblem.reasons.map(([code, reason, why]) => [code, reason, () => why] as const),
  ["ERR_MODULE_NOT_FOUND", "Unavailable", () => NO_DRIVER],
  ["MODULE_NOT_FOUND", "Unavailable", () => NO_DRIVER],
  ["ERR_DLOPEN_FAILED", "Unavailable", () => NO_DRIVER],
  [
    "",
    "Unavailable",
    (_, error) =>
      `the database answers "${messageOf(error)}": either somebody else has changed its tables, or this is a bug of effect-healing`
  ]
]

/** Drivers give some errors no code. */
const knownCodeOf = (error: unknown): string => {
  const message = messageOf(error)
  if (message.includes("directory does not exist")) return "SQLITE_CANTOPEN"
  return codeOf(error) ?? (PostgresProblem.isDisconnect(message) ? "08" : "")
}

/**
 * - `what`: that which cannot be done, as in `cannot be written`.
 *
 * @internal
 */
export const storeError = (place: Place, what: string, error: unknown): HealingStoreError => {
  if (error instanceof HealingStoreError) return error
  const code = knownCodeOf(error)
  const [, reason, why] = reasons.find(([start]) => code.startsWith(start)) ?? ["", "Unavailable" as const, messageOf]
  return new HealingStoreError({
    reason,
    detail: `${place.name} ${what}: ${why(place, error)}`,
    cause: /^[0-9A-Z]{5}$/.test(code) ? PostgresProblem.withoutValues(code, messageOf(error)) : rootOf(error)
  })
}

/**
 * Every failure becomes a `HealingStoreError`.
 *
 * @internal
 */
export const typed =
  (place: Place) =>
  (what: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, HealingStoreError, R> =>
    Effect.mapError(self, (error) => storeError(place, what, error))
