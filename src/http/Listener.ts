/**
 * The servers behind the doors.
 *
 * @internal
 */
import { chmodSync, lstatSync, renameSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo, ListenOptions } from "node:net"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { codeOf } from "../internal/ErrorCode.js"
import type { RunFolder } from "./RunFolder.js"

/**
 * How long clients may take, in milliseconds, and how many there may be.
 *
 * - `headers`, `request`: from the start until the headers, and all of the request, have come.
 * - `idle`: between two requests of a connection.
 * - `check`: how often that is looked at.
 *
 * @internal
 */
export const LIMITS = { headers: 10_000, request: 20_000, idle: 5000, check: 2000, connections: 1200 }

/** How long requests may take to end when the server closes. */
const GRACE = Duration.seconds(2)

/** @internal */
export class CannotListen extends Data.TaggedError("CannotListen")<{ readonly code: string }> {}

const open = (options: ListenOptions, limits: typeof LIMITS) =>
  Effect.gen(function* () {
    const server = createServer({
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      keepAliveTimeout: limits.idle,
      connectionsCheckingInterval: limits.check
    })
    server.maxConnections = limits.connections
    yield* Effect.async<void, CannotListen>((resume) => {
      const failed = (error: Error) => resume(new CannotListen({ code: codeOf(error) ?? "unknown" }))
      server.once("error", failed)
      server.listen(options, () => {
        server.off("error", failed)
        resume(Effect.void)
      })
    })
    return server
  })

/** Answers that are being sent may come to their end, for a while. It cannot be interrupted: the end of a scope may be an interruption. */
const close = (server: Server): Effect.Effect<void> =>
  Effect.gen(function* () {
    const cut = Effect.sync(() => server.closeAllConnections())
    const later = yield* Effect.forkDaemon(Effect.interruptible(Effect.delay(cut, GRACE)))
    yield* Effect.async<void>((resume) => {
      server.close(() => resume(Effect.void))
    })
    yield* Fiber.interrupt(later)
  })

const serve = (
  app: HttpApp.Default,
  options: ListenOptions,
  limits: typeof LIMITS
): Effect.Effect<Server, CannotListen, Scope.Scope> =>
  Effect.gen(function* () {
    const handler = yield* NodeHttpServer.makeHandler(app)
    const server = yield* Effect.acquireRelease(open(options, limits), close)
    server.on("request", handler)
    return server
  })

/** The sockets of this process, of which each is served once. */
const own = new Set<string>()

const alone = (socket: string): Effect.Effect<void, CannotListen, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.suspend(() => {
        if (own.has(socket)) return Effect.fail(new CannotListen({ code: "this process listens there already" }))
        own.add(socket)
        return Effect.void
      }),
      () => Effect.sync(() => own.delete(socket))
    )
  )

/**
 * Listens on the Unix socket of the folder. Only the owner of its database may do so: what stands there is one that nobody listens on.
 *
 * @internal
 */
export const onSocket = (app: HttpApp.Default, { draft, socket }: RunFolder, limits = LIMITS) =>
  Effect.gen(function* () {
    // It gets its place only when nobody else can connect. Node removes the file that it has made, whoever has made that anew: so it is
    // made under another name, and the file in its place is removed only if it is still this one.
    const failed = (error: unknown) => new CannotListen({ code: codeOf(error) ?? "unknown" })
    yield* alone(socket)
    yield* Effect.try({ try: () => rmSync(draft, { force: true }), catch: failed })
    yield* serve(app, { path: draft }, limits)
    yield* Effect.acquireRelease(
      Effect.try({
        try: () => {
          chmodSync(draft, 0o600)
          renameSync(draft, socket)
          return lstatSync(socket).ino
        },
        catch: failed
      }),
      (ino) =>
        Effect.sync(() => {
          if (lstatSync(socket, { throwIfNoEntry: false })?.ino === ino) rmSync(socket, { force: true })
        })
    )
  })

/**
 * Listens on a TCP port, and answers with it.
 *
 * @internal
 */
export const onPort = (app: HttpApp.Default, host: string, port: number, limits = LIMITS) =>
  Effect.map(serve(app, { host, port }, limits), (server) => {
    const address = server.address() as AddressInfo // It is none of a pipe, which would be a string.
    return address.port
  })
