/**
 * The API as a handler of web requests, to be mounted into an app of one's own.
 *
 * @internal
 */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Admitting from "./Admitting.js"
import { BodyTooLarge, NoSuchAddress } from "./ApiError.js"
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

const tooLarge = new BodyTooLarge({
  message: `What was sent has more than ${Admitting.MAX_BODY} bytes, which is the most: nothing was done`
})

/** A request whose body is in memory, and has its limit; `undefined` if that is too large. */
const limited = async (request: Request): Promise<Request | undefined> => {
  if (request.body === null) return request
  const parts: Array<Uint8Array> = []
  let size = 0
  for await (const part of request.body) {
    size += part.length
    if (size > Admitting.MAX_BODY) return undefined
    parts.push(part)
  }
  return new Request(request.url, {
    method: request.method,
    headers: request.headers,
    body: Buffer.concat(parts),
    signal: request.signal
  })
}

/** @internal */
export const make = ({
  authorize,
  prefix: mounted = "/"
}: WebHandlerOptions): Effect.Effect<(request: Request) => Promise<Response>, never, Floors.Needed | Scope.Scope> =>
  Effect.gen(function* () {
    const prefix = mounted.replace(/\/+$/, "")
    const floors = yield* Floors.gather
    const feed = yield* App.makeFeed(floors)
    const through = Door.make(yield* App.make(floors, feed, prefix))
    yield* Effect.addFinalizer(() => feed.end)
    const toWeb = HttpApp.toWebHandlerRuntime(yield* Effect.runtime<never>())
    const refused = (error: BodyTooLarge | NoSuchAddress) => HttpServerResponse.toWeb(Door.refusal(error))
    return async (request) => {
      const { pathname, search } = new URL(request.url)
      if (!`${pathname}/`.startsWith(`${prefix}/`)) {
        return refused(new NoSuchAddress({ message: `The API is below ${prefix}, and nothing of it is here` }))
      }
      const whole = await limited(request)
      if (whole === undefined) return refused(tooLarge)
      const url = `${pathname.slice(prefix.length) || "/"}${search}`
      const app = Effect.updateService(
        through(Doors.app(authorize(request))),
        HttpServerRequest.HttpServerRequest,
        (one) => one.modify({ url })
      )
      return toWeb(app)(whole)
    }
  })
