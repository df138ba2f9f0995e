/**
 * Where the running service is, or the file that it has left.
 *
 * @internal
 */
import { existsSync } from "node:fs"
import { connect } from "node:net"
import { resolve } from "node:path"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type HealingClient, HealingHttp } from "../http/HealingHttp.js"
import * as RunFolder from "../http/RunFolder.js"
import { codeOf } from "../internal/ErrorCode.js"
import { defaultHome, moduleDatabase } from "../pm2/Home.js"
import { CODES, Problem } from "./Problem.js"

/**
 * The options by which it is found; each command has them.
 *
 * @internal
 */
export const options = {
  socket: Options.text("socket").pipe(
    Options.withDescription("The Unix socket of the API, if it is elsewhere"),
    Options.optional
  ),
  database: Options.file("database").pipe(
    Options.withDescription("The SQLite file of the service, instead of that of the PM2 module"),
    Options.optional
  ),
  home: Options.directory("home").pipe(
    Options.withDescription("The home of PM2 whose module is meant; PM2_HOME, or else ~/.pm2"),
    Options.optional
  )
}

/** @internal */
export interface Where {
  readonly socket: Option.Option<string>
  readonly database: Option.Option<string>
  readonly home: Option.Option<string>
}

/**
 * - `socket`: where the API would be.
 * - `database`: the file, unless only a socket was named.
 * - `home`: of the PM2 whose module has the file, unless a file or a socket was named.
 *
 * @internal
 */
export interface Places {
  readonly socket: string
  readonly database: string | undefined
  readonly home: string | undefined
}

const beside = (database: string) => ({ socket: RunFolder.inside(RunFolder.beside(database)).socket, database })

/** @internal */
export const places = ({ database, home, socket }: Where): Effect.Effect<Places> =>
  Effect.gen(function* () {
    if (Option.isSome(socket))
      return {
        socket: resolve(socket.value),
        database: Option.getOrUndefined(Option.map(database, (file) => resolve(file))),
        home: undefined
      }
    if (Option.isSome(database)) return { ...beside(resolve(database.value)), home: undefined }
    const folder = resolve(yield* Option.match(home, { onNone: () => defaultHome, onSome: Effect.succeed }))
    return { ...beside(moduleDatabase(folder)), home: folder }
  })

/** Whether somebody listens there. One whom the folder keeps out is told so. */
const isOpen = (socket: string): Effect.Effect<boolean, Problem> =>
  Effect.async((resume) => {
    const connection = connect(socket)
    const end = (found: Effect.Effect<boolean, Problem>) => {
      connection.destroy()
      resume(found)
    }
    connection.once("connect", () => end(Effect.succeed(true)))
    connection.once("error", (error) => {
      if (codeOf(error) !== "EACCES") return end(Effect.succeed(false))
      const message = `Only the user who runs the service may use ${socket}`
      return end(new Problem({ code: CODES.notPermitted, message }))
    })
    return Effect.sync(() => connection.destroy())
  })

/**
 * The client of the running service, or none.
 *
 * @internal
 */
export const running = ({ socket }: Places): Effect.Effect<Option.Option<HealingClient>, Problem, Scope.Scope> =>
  Effect.flatMap(isOpen(socket), (isOpen) =>
    isOpen ? Effect.asSome(HealingHttp.client({ socket })) : Effect.succeedNone
  )

/** @internal */
export const notRunning = ({ database, socket }: Places): Problem => {
  const start =
    database === undefined || !existsSync(database)
      ? "name another one with --socket, --database or --home"
      : "start it first"
  return new Problem({ code: CODES.notRunning, message: `Nothing listens on ${socket}: ${start}` })
}

/**
 * The client of the running service, which there must be.
 *
 * @internal
 */
export const client = (where: Where): Effect.Effect<HealingClient, Problem, Scope.Scope> =>
  Effect.gen(function* () {
    const found = yield* places(where)
    const client = yield* running(found)
    return yield* Effect.mapError(client, () => notRunning(found))
  })
