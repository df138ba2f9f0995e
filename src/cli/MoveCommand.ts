/**
 * The command that moves what a SQLite file has into PostgreSQL.
 *
 * @internal
 */
import { existsSync } from "node:fs"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { count } from "../internal/Plural.js"
import { HealingStore } from "../store/HealingStore.js"
import { storeError } from "../store/SqlProblem.js"
import * as Asking from "./Asking.js"
import { type Problem, problemOf, usage } from "./Problem.js"
import * as Where from "./Where.js"

const ENV = "DATABASE_URL"

const url = Args.text({ name: "url" }).pipe(
  Args.withDescription(`Of the database, without its password (PGPASSWORD, ~/.pgpass); or else ${ENV}`),
  Args.optional
)

/** Everybody on the machine can see the arguments of a process. */
const target = (url: Option.Option<string>): Effect.Effect<URL, Problem> =>
  Effect.gen(function* () {
    const text = Option.isSome(url)
      ? url
      : yield* Effect.orElseSucceed(Config.option(Config.nonEmptyString(ENV)), Option.none)
    if (Option.isNone(text)) {
      return yield* usage(`Name the database: effect-healing move postgres://user@host/database, or in ${ENV}`)
    }
    if (!/^postgres(?:ql)?:\/\//.test(text.value) || !URL.canParse(text.value)) {
      return yield* usage("That is no address of PostgreSQL, such as postgres://user@host/database")
    }
    const parsed = new URL(text.value)
    if (Option.isSome(url) && (parsed.password !== "" || parsed.searchParams.has("password"))) {
      return yield* usage(
        `Others on this machine can see a password in the arguments of a process: name it in PGPASSWORD or ~/.pgpass, or the address in ${ENV}`
      )
    }
    return parsed
  })

const shown = ({ hostname, pathname, port }: URL): string => `${hostname}${port === "" ? "" : `:${port}`}${pathname}`

/** It is loaded when it is needed. */
const clientOf = ({ href }: URL) =>
  Effect.map(
    Effect.promise(() => import("@effect/sql-pg/PgClient")),
    ({ layer }) => layer({ url: Redacted.make(href), maxConnections: 2, applicationName: "effect-healing" })
  )

/** @internal */
export const move = Command.make("move", { ...Where.options, ...Asking.options, url }, (options) =>
  Effect.gen(function* () {
    const { database } = yield* Where.places(options)
    if (database === undefined || !existsSync(database)) {
      return yield* usage(`There is no file ${database ?? ""} to move from: name it with --database`)
    }
    const to = yield* target(options.url)
    yield* Asking.confirm(`Move what ${database} has to ${shown(to)}?`, options)
    const client = yield* clientOf(to)
    const rows = yield* HealingStore.moveSqlite(database).pipe(
      Effect.provide(client),
      Effect.mapError((error) =>
        problemOf(
          error._tag === "SqlError"
            ? storeError({ name: shown(to), file: undefined }, "cannot be opened", error)
            : error
        )
      )
    )
    yield* Console.log(
      `${count(rows, "row")} moved to ${shown(to)}. ${database} is left as it was, and is not opened again`
    )
  })
).pipe(Command.withDescription("Moves what the SQLite file of a service that does not run has into PostgreSQL"))
