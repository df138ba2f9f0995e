/**
 * The ways in: the Unix socket, TCP, and the app that has mounted the API.
 *
 * @internal
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type { Path } from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { userName } from "../internal/UserName.js"
import { OtherHost, Unauthorized } from "./ApiError.js"
import type { Door } from "./Door.js"
import { isPage } from "./Page.js"
import { type Access, type Caller, isAllowed } from "./Rights.js"
import * as Sessions from "./Sessions.js"
import * as Tokens from "./Tokens.js"

/**
 * Nobody but the user who runs the process, and root, comes to the socket: its folder is closed to all others.
 *
 * @internal
 */
export const socket: Effect.Effect<Door> = Effect.map(userName, (name) => {
  const caller: Caller = { name, door: "socket", rights: "all", isStillAdmitted: Effect.succeed(true) }
  return { admit: () => Effect.succeed(caller) }
})

/** The name and the port in a `Host` header. */
const partsOf = (host: string): { readonly name: string; readonly port: string | undefined } => {
  const [, name = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(host.toLowerCase()) ?? []
  return { name, port }
}

/**
 * Whether a `Host` header names one of these. One that is named without a port counts with any: a proxy may have another one.
 *
 * @internal
 */
export const isNamed = (header: string | undefined, names: ReadonlyArray<string>): boolean => {
  const found = partsOf(header ?? "")
  return (
    found.name !== "" &&
    names.map(partsOf).some(({ name, port }) => name === found.name && (port === undefined || port === found.port))
  )
}

const otherHost = new OtherHost({
  message: "The Host header names another machine: if this is a name of this one, add it to http.allowed_hosts"
})

const unauthorized = new Unauthorized({
  message: "A valid token is needed: send the content of its file as Authorization: Bearer <token>"
})

const sessionOver = new Unauthorized({
  message: "This session of the page is over: effect-healing open prints a link to another one"
})

const bearerOf = ({ headers }: HttpServerRequest.HttpServerRequest): Option.Option<Redacted.Redacted> => {
  const [, token] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "") ?? []
  return token === undefined ? Option.none() : Option.some(Redacted.make(token))
}

/** What is there for those who are not known, and by which name they are counted there, so that nobody keeps others from the rest. */
const FOR_NOBODY: ReadonlyArray<readonly [name: string, isFor: (method: string, url: string) => boolean]> = [
  ["nobody", (method, url) => method !== "POST" && /^\/healthz(?:\?|$)/.test(url)],
  ["somebody with a browser", (method, url) => method !== "POST" && isPage(url)],
  ["somebody with a link", (method, url) => method === "POST" && /^\/page\/session(?:\?|$)/.test(url)]
]

const unknownCaller = ({ headers, method, url }: HttpServerRequest.HttpServerRequest): Option.Option<Caller> => {
  const found = headers.authorization === undefined ? FOR_NOBODY.find(([, isFor]) => isFor(method, url)) : undefined
  return Option.map(Option.fromNullable(found), ([name]) => ({
    name,
    door: "http",
    rights: "none",
    isStillAdmitted: Effect.succeed(true)
  }))
}

/**
 * Other users of the machine reach a port as well, so that everybody needs a token, or a session of the page.
 *
 * @internal
 */
export const http = (
  folder: string,
  hosts: ReadonlyArray<string>,
  sessions: Sessions.Sessions
): Effect.Effect<Door, never, FileSystem | Path> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<FileSystem | Path>()
    const tokens = Effect.provide(Tokens.reader(folder), context)
    const find = (given: Redacted.Redacted) => Effect.map(tokens, (all) => Tokens.find(all, given))
    const admit: Door["admit"] = (request) =>
      Effect.gen(function* () {
        if (!isNamed(request.headers.host, hosts)) return yield* otherHost
        const given = bearerOf(request)
        if (Option.isNone(given)) return yield* Effect.mapError(unknownCaller(request), () => unauthorized)
        if (Sessions.isSession(given.value))
          return yield* Effect.mapError(yield* sessions.find(given.value), () => sessionOver)
        const { label, rights } = yield* Effect.mapError(yield* find(given.value), () => unauthorized)
        const isStillAdmitted = Effect.map(find(given.value), Option.isSome)
        return { name: label, door: "http", rights, isStillAdmitted }
      })
    return { admit }
  })

/**
 * Who has come through the app, which knows who asks.
 *
 * @internal
 */
export const admitted = (authorize: Effect.Effect<Access>): Effect.Effect<Caller> =>
  Effect.map(
    authorize,
    (access): Caller => ({
      ...access,
      door: "app",
      isStillAdmitted: Effect.map(authorize, (access) => isAllowed(access, "read"))
    })
  )
