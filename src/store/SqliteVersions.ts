/**
 * Which better-sqlite3 lives on which Node. The wrong pair does not throw: it ends the process.
 *
 * @internal
 */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { HealingStoreError } from "../HealingError.js"

/** Major and minor of a version. */
const numbersOf = (version: string): readonly [major: number, minor: number] => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return [major, minor]
}

/**
 * What goes wrong with this better-sqlite3 on this Node, and what to do; `undefined` if they go together.
 *
 * - In Node 24, since 24.19, the destructor of `node::ObjectWrap` needs an entered context. better-sqlite3 12 is built on it, and a
 *   garbage collection that finds a statement has no context: the process ends with SIGABRT. Seen with 12.11.1 on 24.21.0, and
 *   neither on 22.23.3 nor on 26.5.0 to 26.10.0.
 * - better-sqlite3 13 is built for Node 22 and newer. Node 20 ends with a segmentation fault.
 *
 * @internal
 */
export const versionProblem = (driver: string, node: string): string | undefined => {
  const [driverMajor] = numbersOf(driver)
  const [major, minor] = numbersOf(node)
  if (driverMajor < 13) {
    return major === 24 && minor >= 19
      ? `better-sqlite3 ${driver} aborts the process on Node ${node}: require ^13.2.0 of it in the package.json of the app, ` +
          'by "overrides": { "better-sqlite3": "^13.2.0" } (pnpm: "pnpm.overrides", yarn: "resolutions"), and install again'
      : undefined
  }
  return major < 22 ? `better-sqlite3 ${driver} crashes the process on Node ${node}: run Node 22 or newer` : undefined
}

const decodePackage = Schema.decodeUnknownOption(Schema.parseJson(Schema.Struct({ version: Schema.NonEmptyString })))

/** The version of the package in this folder. A package that somebody has put into a bundle tells none. */
const versionIn = (folder: string): Option.Option<string> =>
  Option.liftThrowable(readFileSync)(`${folder}package.json`).pipe(
    Option.flatMap((json) => decodePackage(json.toString("utf8"))),
    Option.map(({ version }) => version)
  )

/** Each better-sqlite3 that the process has loaded: what its main module exports, and its version. */
const loadedDrivers = (): ReadonlyArray<{ readonly exports: unknown; readonly version: string }> =>
  // The cache is one for the whole process, wherever it is asked for.
  Object.entries(createRequire(process.execPath).cache).flatMap(([file, loaded]) => {
    const [, folder] = /^(.*[\\/]better-sqlite3[\\/])lib[\\/]index\.js$/.exec(file) ?? []
    if (folder === undefined) return []
    return Option.toArray(Option.map(versionIn(folder), (version) => ({ exports: loaded?.exports, version })))
  })

const refuse = (drivers: ReadonlyArray<{ readonly version: string }>): Effect.Effect<void, HealingStoreError> =>
  Effect.forEach(
    drivers,
    ({ version }) => {
      const detail = versionProblem(version, process.versions.node)
      return detail === undefined ? Effect.void : new HealingStoreError({ reason: "Unsupported", detail })
    },
    { discard: true }
  )

/**
 * Fails if this driver would end the process. It is safe to import: its native code is loaded when a file is opened.
 *
 * - `driver`: what `better-sqlite3` exports.
 *
 * @internal
 */
export const checkDriver = (driver: unknown): Effect.Effect<void, HealingStoreError> =>
  Effect.suspend(() => refuse(loadedDrivers().filter(({ exports }) => exports === driver)))

/** The mark of a client of `@effect/sql-sqlite-node`. */
const EffectSqlite = Symbol.for("@effect/sql-sqlite-node/SqliteClient")

/**
 * Fails if the client is one of `@effect/sql-sqlite-node`, and a better-sqlite3 is loaded that will end the process. Which one is
 * the client's cannot be told, but that one ends it all the same.
 *
 * @internal
 */
export const checkClient: Effect.Effect<void, HealingStoreError, SqlClient> = Effect.flatMap(SqlClient, (sql) =>
  EffectSqlite in sql ? refuse(loadedDrivers()) : Effect.void
)
