/**
 * What stands before the API, whichever way somebody comes: who they are, from where, how many at once, and what an error looks like.
 *
 * @internal
 */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import type * as HttpApp from "@effect/platform/HttpApp"
import type { RouteNotFound } from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as SafeLog from "../internal/SafeLog.js"
import * as ApiError from "./ApiError.js"
import { nodeResponse } from "./NodeResponse.js"
import { isPage } from "./Page.js"
import { type Caller, calledBy } from "./Rights.js"
import { Slots } from "./Slots.js"
import * as WriteKeys from "./WriteKeys.js"

/**
 * - `admit`: who it is that comes, or why not.
 *
 * @internal
 */
export interface Door {
  readonly admit: (
    request: HttpServerRequest.HttpServerRequest
  ) => Effect.Effect<Caller, ApiError.Unauthorized | ApiError.OtherHost>
}

/** A client that takes nothing of its answer for so long is cut off, in milliseconds. Streams of events have a sign of life more often. */
const STALLED = 60_000

const statuses = new Map<string, number>(
  ApiError.AtTheDoor.members.map((schema) => [schema._tag, HttpApiSchema.getStatusErrorAST(schema.ast)])
)

const headersOf: Readonly<Partial<Record<ApiError.AtTheDoor["_tag"], Readonly<Record<string, string>>>>> = {
  Unauthorized: { "www-authenticate": "Bearer" },
  TooBusy: { "retry-after": "1" },
  // What is still being sent is not wanted any more.
  BodyTooLarge: { connection: "close" }
}

/** @internal */
export const refusal = (error: ApiError.AtTheDoor): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(
    { ...error, message: error.message },
    { status: statuses.get(error._tag) ?? 500, headers: headersOf[error._tag] ?? {} }
  )

const isRead = (method: string): boolean => method === "GET" || method === "HEAD"

/** The address that the client has used, as its browser knows it. */
const hostOf = (request: HttpServerRequest.HttpServerRequest): string | undefined => {
  if (request.headers.host !== undefined) return request.headers.host
  return URL.canParse(request.originalUrl) ? new URL(request.originalUrl).host : undefined
}

/** Whoever follows a link to the page, wherever it stands, only comes to look: the page shows nothing by itself, and in no frame. */
const isVisit = ({ headers, method, url }: HttpServerRequest.HttpServerRequest): boolean =>
  isRead(method) && isPage(url) && headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document"

/** Browsers say which page has asked; everybody else says nothing. */
const fromElsewhere = (request: HttpServerRequest.HttpServerRequest): boolean => {
  if (isVisit(request)) return false
  const site = request.headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && !(site === "none" && isRead(request.method))) return true
  const { origin } = request.headers
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== hostOf(request))
}

const otherOrigin = new ApiError.OtherOrigin({
  message: "A page of another origin has asked for this, which it may not: nothing was done"
})

const closed = new ApiError.Closed({ message: "The API is closed" })

/** A browser keeps nothing, guesses nothing, and loads nothing from elsewhere. A page may have a policy of its own. */
const guarded = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.setHeaders(response, {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    ...Record.filter(response.headers, (_, name) => name === "content-security-policy"),
    // A page of another origin that has opened ours has no hold on its window.
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store"
  })

const isRouteNotFound = (error: unknown): error is RouteNotFound => Predicate.isTagged(error, "RouteNotFound")

/** What the API itself has not made an answer of. */
const unanswered = (cause: Cause.Cause<unknown>): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
  if (isRouteNotFound(Cause.squash(cause))) {
    const message = "There is nothing at this address: see /openapi.json for what there is"
    return Effect.succeed(refusal(new ApiError.NoSuchAddress({ message })))
  }
  const broken = new ApiError.Broken({
    message: "Something broke while this was answered: the log of the process says what"
  })
  return Effect.as(SafeLog.safely(Effect.logError("A request could not be answered", cause)), refusal(broken))
}

/** Where the connection is one of Node, nobody keeps it by not reading. */
const cutStalled = (request: HttpServerRequest.HttpServerRequest): void => {
  const response = nodeResponse(request)
  response?.setTimeout(STALLED, () => response.destroy())
}

/**
 * Makes the ways through which the same API is reached, each with limits of its own.
 *
 * - `closing`: ends when the API is closed: then whatever is being answered ends as well.
 *
 * @internal
 */
export const make = (
  app: HttpApp.Default<unknown>,
  closing: Deferred.Deferred<void>
): ((door: Door) => HttpApp.Default) => {
  const keys = WriteKeys.make()
  const answer = Effect.catchAllCause(app, unanswered)
  const isClosed = Effect.zipRight(Deferred.await(closing), Effect.fail(closed))

  /** A write with a key is made once. One that was refused may be tried again; of any other it is not known what it has done. */
  const once = (caller: Caller, request: HttpServerRequest.HttpServerRequest) => {
    const key = request.headers["idempotency-key"]
    if (key === undefined || isRead(request.method)) return answer
    return Effect.suspend(() => {
      const free = keys.take([caller.door, caller.name, request.method, request.url, key])
      if (free === undefined) {
        const message = "A write with this Idempotency-Key was made before, or is being made: nothing was done again"
        return Effect.fail(new ApiError.Repeated({ message }))
      }
      return Effect.tap(answer, ({ status }) => {
        if (status >= 400 && status < 500) free()
      })
    })
  }

  return ({ admit }) => {
    const slots = new Slots()
    return Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      if (yield* Deferred.isDone(closing)) return yield* closed
      if (fromElsewhere(request)) return yield* otherOrigin
      const admitted = Effect.gen(function* () {
        const caller = yield* admit(request)
        const limited = slots.of(caller)
        return yield* limited(Effect.locally(once(caller, request), calledBy, caller))
      })
      // What answers requests cannot be interrupted as a whole, and a race there would wait for both.
      return yield* Effect.interruptible(Effect.raceFirst(slots.limited(admitted), isClosed))
    }).pipe(
      Effect.catchAll((error) => Effect.succeed(refusal(error))),
      // Of an app that does not know who asks.
      Effect.catchAllCause(unanswered),
      Effect.map(guarded),
      Effect.tap(() => Effect.map(HttpServerRequest.HttpServerRequest, cutStalled))
    )
  }
}
