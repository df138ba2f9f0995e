/**
 * What is looked at before an endpoint gets a request: the rights of who asks, then what was sent.
 *
 * @internal
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as ApiError from "./ApiError.js"
import { Admission, HealingApi } from "./HealingApi.js"
import { type Caller, calledBy, isAllowed, Needs } from "./Rights.js"

/**
 * Of what is sent, in bytes.
 *
 * @internal
 */
export const MAX_BODY = 64 * 1024

const nameOf = (method: string, path: string): string => `${method} ${path}`

/**
 * Each endpoint with what it needs.
 *
 * @internal
 */
export const needs: ReadonlyMap<string, Option.Option<Context.Tag.Service<Needs>>> = (() => {
  const found = new Map<string, Option.Option<Context.Tag.Service<Needs>>>()
  HttpApi.reflect(HealingApi, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => {
      found.set(nameOf(endpoint.method, endpoint.path), Context.getOption(endpoint.annotations, Needs))
    }
  })
  return found
})()

const nobody = new ApiError.Unauthorized({ message: "It is not known who asks" })

const permit = (caller: Caller, needed: Context.Tag.Service<Needs>): Effect.Effect<void, ApiError.NotPermitted> =>
  needed === "nothing" || isAllowed(caller, needed)
    ? Effect.void
    : new ApiError.NotPermitted({
        needs: needed,
        message: `${caller.name} may not do this, which needs the right to "${needed}": nothing was done`
      })

const isMissing = (type: string | undefined): boolean => type === undefined || type.trim() === ""

const tooLarge = new ApiError.BodyTooLarge({
  message: `What was sent has more than ${MAX_BODY} bytes, which is the most: nothing was done`
})

/**
 * By which a body that is too large breaks off; Effect's own limit says the same.
 *
 * @internal
 */
export const BREAKS_OFF = "maxBytes exceeded"

const isTooLarge = (error: { readonly cause?: unknown }): boolean =>
  error.cause instanceof Error && error.cause.message === BREAKS_OFF

/** All bodies are objects of texts, numbers and flags; what is deep would only be work for those who describe it. */
const isDeep = (body: unknown): boolean =>
  typeof body === "object" &&
  body !== null &&
  Object.values(body).some((one) => typeof one === "object" && one !== null)

/** A body that does not come is not waited for, and that of somebody who is not known is short. */
const readingOf = ({ rights }: Caller) => (rights === "none" ? "2 seconds" : "20 seconds")

const tooSlow = new ApiError.TooSlow({ message: "What was to be sent has not come in time: nothing was done" })

/** It is kept, so that the endpoint reads the same. */
const readable = Effect.fnUntraced(function* (caller: Caller) {
  const request = yield* HttpServerRequest.HttpServerRequest
  if (request.method === "GET" || request.method === "HEAD") return
  const type = request.headers["content-type"]
  if (!isMissing(type) && !/^application\/json\s*(;|$)/i.test(type ?? ""))
    return yield* new ApiError.NotJson({
      message: "What was sent says that it is something else than JSON: say content-type: application/json"
    })
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY) return yield* tooLarge
  const text = yield* request.text.pipe(
    HttpIncomingMessage.withMaxBodySize(Option.some(MAX_BODY)),
    Effect.mapError((error) =>
      isTooLarge(error)
        ? tooLarge
        : new ApiError.BadBody({ message: "What was sent could not be read: nothing was done" })
    ),
    Effect.timeoutFail({ duration: readingOf(caller), onTimeout: () => tooSlow })
  )
  const body: unknown = yield* Effect.try({
    try: () => (text === "" ? null : JSON.parse(text)),
    catch: () => new ApiError.BadBody({ message: "What was sent is no well-formed JSON: nothing was done" })
  })
  if (isDeep(body)) {
    return yield* new ApiError.BadBody({
      message: "What was sent has lists or objects within others: nothing was done"
    })
  }
})

/** @internal */
export const layer: Layer.Layer<Admission> = Layer.succeed(
  Admission,
  Effect.gen(function* () {
    const caller = yield* FiberRef.get(calledBy)
    if (caller === undefined) return yield* nobody
    const { route } = yield* HttpRouter.RouteContext
    const needed = Option.flatten(Option.fromNullable(needs.get(nameOf(route.method, route.path))))
    yield* Option.match(needed, {
      onNone: () =>
        new ApiError.NotPermitted({ needs: "unknown", message: "Nobody may do this: it is not said who may" }),
      onSome: (needed) => permit(caller, needed)
    })
    yield* readable(caller)
    return caller
  })
)
