/**
 * Opens the doors that the settings name.
 *
 * @internal
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import type * as HttpApp from "@effect/platform/HttpApp"
import type { Path } from "@effect/platform/Path"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as SafeLog from "../internal/SafeLog.js"
import type { HttpSettings } from "../settings/HealingConfig.js"
import * as App from "./App.js"
import * as Door from "./Door.js"
import * as Doors from "./Doors.js"
import * as Floors from "./Floors.js"
import * as Listener from "./Listener.js"
import * as RunFolder from "./RunFolder.js"
import * as Sessions from "./Sessions.js"
import * as Tokens from "./Tokens.js"

/**
 * - `socket`: the path of the Unix socket.
 * - `tokens`: the folder of the tokens.
 * - `url`: where it is reached over TCP; `undefined` without a port.
 *
 * @internal
 */
export interface Addresses {
  readonly socket: string
  readonly tokens: string
  readonly url: string | undefined
}

/** Whoever owns the database owns its folder, so that a socket of a process that has died is in nobody's way. */
const folderOf = ({ database, settings }: Floors.Floors) => {
  const { folder } = settings.http
  if (database !== undefined) return Effect.succeed(folder ?? RunFolder.beside(database))
  return RunFolder.refuse(
    "http.folder",
    folder ?? "nothing",
    "a store in a SQLite file, whose owner alone may listen: provide one, or mount the API with HealingHttp.toWebHandler"
  )
}

const LOOPBACK = ["127.0.0.1", "::1", "localhost"]

/** The names of an address in a `Host` header. */
const hostsOf = ({ allowedHosts, host }: HttpSettings) => {
  if (!LOOPBACK.includes(host) && allowedHosts.length === 0) {
    return RunFolder.refuse(
      "http.host",
      `${host}, without http.allowed_hosts`,
      "127.0.0.1; for another address, the names under which clients reach it have to stand in http.allowed_hosts"
    )
  }
  return Effect.succeed(["localhost", "127.0.0.1", inUrl("::1"), inUrl(host), ...allowedHosts])
}

const inUrl = (host: string): string => (host.includes(":") ? `[${host}]` : host)

/** An address of this machine, where it listens on all of them. */
const nearby = (host: string): string => (host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host)

const FIRST_LABEL = "first"

/** Without a token nobody gets in, so that there is one from the start. */
const ensureToken = (folder: string) =>
  Effect.gen(function* () {
    const found = yield* Effect.orElseSucceed(Tokens.all(folder), () => [])
    if (found.length > 0) return
    const file = yield* Tokens.make(folder, { label: FIRST_LABEL, rights: "all" })
    yield* SafeLog.info(`A token for the API is in ${file}`)
  }).pipe(Effect.catchAll(({ message }) => SafeLog.warn(`No token for the API could be made: ${message}`)))

const listenOnPort = (app: HttpApp.Default, { host, port }: HttpSettings & { readonly port: number }) =>
  Effect.mapError(Listener.onPort(app, host, port), ({ code }) =>
    RunFolder.refuse("http.port", `${port} at ${host} (${code})`, "a port that is free, at an address of this machine")
  )

/** @internal */
export const make = Effect.gen(function* () {
  const floors = yield* Floors.gather
  const { settings } = floors
  const places = yield* Effect.flatMap(folderOf(floors), RunFolder.make)
  const { port } = settings.http
  const hosts = port === undefined ? [] : yield* hostsOf(settings.http)
  const feed = yield* App.makeFeed(floors)
  const closing = yield* Deferred.make<void>()
  const sessions = Sessions.make()
  // The socket is there before the port, which may be any.
  const reached = yield* Deferred.make<string>()
  const links = port === undefined ? {} : { links: { sessions, url: Deferred.await(reached) } }
  const through = Door.make(yield* App.make(floors, feed, { prefix: "", ...links }), closing)
  yield* Effect.mapError(Listener.onSocket(through(yield* Doors.socket), places), ({ code }) =>
    RunFolder.refuse("http.folder", `${places.folder} (${code})`, "a folder in which a Unix socket can be made")
  )
  yield* SafeLog.info(`The API listens on ${places.socket}`)
  let url: string | undefined
  if (port !== undefined) {
    yield* ensureToken(places.tokens)
    const door = yield* Doors.http(places.tokens, hosts, sessions)
    const found = yield* listenOnPort(through(door), { ...settings.http, port })
    url = `http://${inUrl(settings.http.host)}:${found}`
    yield* Deferred.succeed(reached, `http://${inUrl(nearby(settings.http.host))}:${found}`)
    yield* SafeLog.info(
      `The API listens on ${url} as well, for those who have a token; effect-healing open prints a link to its page`
    )
  }
  // First of all, those who watch or wait are let go, so that the servers can close.
  yield* Effect.addFinalizer(() => Effect.zipRight(Deferred.succeed(closing, undefined), feed.end))
  const addresses: Addresses = { socket: places.socket, tokens: places.tokens, url }
  return addresses
})

/** @internal */
export type Needs = Floors.Needed | FileSystem | Path
