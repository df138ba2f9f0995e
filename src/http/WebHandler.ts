/**
 * The API as a handler of web requests, to be mounted into an app of one's own.
 *
 * @internal
 */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import type * as Scope from "effect/Scope"
import * as Admitting from "./Admitting.js"
import { BadBody, NoSuchAddress } from "./ApiError.js"
import * as App from "./App.js"
import * as Door from "./Door.js"
import * as Doors from "./Doors.js"
import * as Floors from "./Floors.js"
import type { Access } from "./Rights.js"

/**
 * - `authorize`: who makes a request, and what they may do. It is asked for each request, and again from time to time while somebody watches.
 * - `prefix` (""): the path under which the handler is mounted, such as `/healing`.
 *
 * @since 0.1.0
 * @category models
 */
export interface WebHandlerOptions {
  readonly authorize: (request: Request) => Effect.Effect<Access>
  readonly prefix?: `/${string}` | undefined
}

/** Without a body, there is nothing in it; Effect's handlers of web requests take it for broken JSON. */
const withBody = (request: Request): Request => {
  const headers = new Headers(request.headers)
  headers.set("content-type", "application/json")
  return new Request(request, { body: "null", headers })
}

/** A body that breaks off when it becomes too large. It is read when somebody needs it. */
const limited = (request: Request): Request => {
  if (request.body === null) return request.method === "GET" || request.method === "HEAD" ? request : withBody(request)
  let size = 0
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform: (part, controller) => {
      size += part.length
      if (size > Admitting.MAX_BODY) controller.error(new Error(Admitting.BREAKS_OFF))
      else controller.enqueue(part)
    }
  })
  // It is said by those who send a stream; the types of the DOM do not know it.
  const init: RequestInit & { readonly duplex: "half" } = { body: request.body.pipeThrough(limit), duplex: "half" }
  return new Request(request, init)
}

const refused = (error: BadBody | NoSuchAddress) => HttpServerResponse.toWeb(Door.refusal(error))

/** @internal */
export const make = ({
  authorize,
  prefix: mounted = "/"
}: WebHandlerOptions): Effect.Effect<(request: Request) => Promise<Response>, never, Floors.Needed | Scope.Scope> =>
  Effect.gen(function* () {
    const prefix = mounted.replace(/\/+$/, "")
    const floors = yield* Floors.gather
    const feed = yield* App.makeFeed(floors)
    const closing = yield* Deferred.make<void>()
    const through = Door.make(yield* App.make(floors, feed, { prefix }), closing)
    // One way, with one set of limits: who asks is known for each request.
    const asking = FiberRef.unsafeMake<Effect.Effect<Access>>(Effect.dieMessage("It is not known who asks"))
    const door = through({
      admit: () => Effect.flatMap(FiberRef.get(asking), (authorize) => Doors.admitted(authorize))
    })
    yield* Effect.addFinalizer(() => Effect.zipRight(Deferred.succeed(closing, undefined), feed.end))
    const toWeb = HttpApp.toWebHandlerRuntime(yield* Effect.runtime<never>())
    return async (request) => {
      const { pathname, search } = new URL(request.url)
      if (!`${pathname}/`.startsWith(`${prefix}/`)) {
        return refused(new NoSuchAddress({ message: `The API is below ${prefix}, and nothing of it is here` }))
      }
      if (request.bodyUsed || request.body?.locked === true) {
        return refused(new BadBody({ message: "The app has read what was sent before: nothing was done" }))
      }
      const url = `${pathname.slice(prefix.length) || "/"}${search}`
      const app = door.pipe(
        // An app that throws is one that does not know who asks.
        Effect.locally(
          asking,
          Effect.suspend(() => authorize(request))
        ),
        Effect.updateService(HttpServerRequest.HttpServerRequest, (one) => one.modify({ url }))
      )
      return toWeb(app)(limited(request))
    }
  })
