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
import { HealingStoreError } from "./HealingError.js"

/** Major and minor of a version. */
const numbersOf = (version: string): readonly [major: number, minor: number] => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return [major, minor]
}

/**
 * What goes wrong with this better-sqlite3 on this Node, and what to do; `undefined` if they go together.
 *
 * - Since Node 24.19 the destructor of `node::ObjectWrap` needs an entered context. better-sqlite3 12 is built on it, and a
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
      ? `better-sqlite3 ${driver} aborts the process on Node ${node}: ` +
          'put "overrides": { "better-sqlite3": "^13.2.0" } into the package.json of the app, and run npm install'
      : undefined
  }
  return major < 22 ? `better-sqlite3 ${driver} crashes the process on Node ${node}: run Node 22 or newer` : undefined
}

const refuse = (drivers: ReadonlyArray<string>): Effect.Effect<void, HealingStoreError> =>
  Effect.forEach(
    drivers,
    (driver) => {
      const detail = versionProblem(driver, process.versions.node)
      return detail === undefined ? Effect.void : new HealingStoreError({ reason: "Unsupported", detail })
    },
    { discard: true }
  )

const decodePackage = Schema.decodeUnknownOption(Schema.parseJson(Schema.Struct({ version: Schema.NonEmptyString })))

/** Of the better-sqlite3 whose file this is. A package that somebody has bundled tells none. */
const versionAt = (file: string): Option.Option<string> =>
  Option.liftThrowable(readFileSync)(file).pipe(
    Option.flatMap((json) => decodePackage(json.toString("utf8"))),
    Option.map(({ version }) => version)
  )

/**
 * Fails if the better-sqlite3 that this package loads would end the process. Call it before anything is loaded.
 *
 * @internal
 */
export const checkOwnDriver: Effect.Effect<void, HealingStoreError> = Effect.suspend(() =>
  refuse(
    Option.toArray(
      Option.liftThrowable(() => createRequire(import.meta.url).resolve("better-sqlite3/package.json"))().pipe(
        Option.flatMap(versionAt)
      )
    )
  )
)

/** The mark of a client of `@effect/sql-sqlite-node`. */
const EffectSqlite = Symbol.for("@effect/sql-sqlite-node/SqliteClient")

/** What `@effect/sql-sqlite-node` has loaded is among these: its client is not made without. */
const loadedDrivers = (): ReadonlyArray<string> =>
  Object.keys(createRequire(import.meta.url).cache).flatMap((file) => {
    const [, root] = /^(.*[\\/]better-sqlite3[\\/])lib[\\/]database\.js$/.exec(file) ?? []
    return root === undefined ? [] : Option.toArray(versionAt(`${root}package.json`))
  })

/**
 * Fails if the client is one of `@effect/sql-sqlite-node`, and a better-sqlite3 is loaded that will end the process.
 *
 * @internal
 */
export const checkClient: Effect.Effect<void, HealingStoreError, SqlClient> = Effect.flatMap(SqlClient, (sql) =>
  EffectSqlite in sql ? refuse(loadedDrivers()) : Effect.void
)
