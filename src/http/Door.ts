/**
 * What stands before the API, whichever way somebody comes: who they are, from where, how many at once, and what an error looks like.
 *
 * @internal
 */

import { createHash } from "node:crypto"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import type * as HttpApp from "@effect/platform/HttpApp"
import type { RouteNotFound } from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as SafeLog from "../internal/SafeLog.js"
import * as ApiError from "./ApiError.js"
import * as DocsPage from "./DocsPage.js"
import { type Caller, calledBy } from "./Rights.js"

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

/** How many requests are answered at once. Streams of events count only until they begin. */
const MAX_REQUESTS = 100

/** How many keys of writes are remembered. */
const MAX_KEYS = 10_000

const errors = [...ApiError.AtTheDoor.members, ApiError.NoSuchAddress]

type DoorError = ApiError.AtTheDoor | ApiError.NoSuchAddress

const statuses = new Map<string, number>(
  errors.map((schema) => [schema._tag, HttpApiSchema.getStatusErrorAST(schema.ast)])
)

const headersOf: Readonly<Partial<Record<DoorError["_tag"], Readonly<Record<string, string>>>>> = {
  Unauthorized: { "www-authenticate": "Bearer" },
  TooBusy: { "retry-after": "1" },
  // What is still being sent is not wanted any more.
  BodyTooLarge: { connection: "close" }
}

/** @internal */
export const refusal = (error: DoorError): HttpServerResponse.HttpServerResponse =>
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

/** Browsers say which page has asked; everybody else says nothing. */
const fromElsewhere = (request: HttpServerRequest.HttpServerRequest): boolean => {
  const site = request.headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && !(site === "none" && isRead(request.method))) return true
  const { origin } = request.headers
  if (origin === undefined || isRead(request.method)) return false
  return !URL.canParse(origin) || new URL(origin).host !== hostOf(request)
}

const otherOrigin = new ApiError.OtherOrigin({
  message: "A page of another origin has asked for this, which it may not: nothing was done"
})

const tooBusy = new ApiError.TooBusy({
  message: `${MAX_REQUESTS} requests are being answered now, which is the most: ask again in a second`
})

/** A browser keeps nothing, guesses nothing, and loads nothing from elsewhere. */
const guarded = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.setHeaders(response, {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
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

/** Writes that were made with a key, and those that are being made. */
const makeKeys = () => {
  const keys = new Set<string>()
  return {
    take: (key: string): boolean => {
      if (keys.has(key)) return false
      for (const oldest of keys) {
        if (keys.size < MAX_KEYS) break
        keys.delete(oldest)
      }
      keys.add(key)
      return true
    },
    free: (key: string): void => {
      keys.delete(key)
    }
  }
}

/**
 * Makes the ways through which the same API is reached. What is limited is limited over all of them.
 *
 * @internal
 */
export const make = (app: HttpApp.Default<unknown>): ((door: Door) => HttpApp.Default) => {
  let inProgress = 0
  const keys = makeKeys()

  const answer = Effect.map(Effect.catchAllCause(app, unanswered), (response) => DocsPage.withPolicy(guarded(response)))

  /** A write with a key is made once; one that has failed may be tried again. */
  const once = (caller: Caller, request: HttpServerRequest.HttpServerRequest) => {
    const key = request.headers["idempotency-key"]
    if (key === undefined || isRead(request.method)) return answer
    const write = JSON.stringify([caller.door, caller.name, request.method, request.url, key])
    const name = createHash("sha256").update(write).digest("base64")
    return Effect.suspend(() => {
      if (!keys.take(name)) {
        const message = "A write with this Idempotency-Key was made before, or is being made: nothing was done again"
        return Effect.fail(new ApiError.Repeated({ message }))
      }
      return Effect.onExit(answer, (exit) =>
        Effect.sync(() => {
          if (exit._tag === "Failure" || exit.value.status >= 400) keys.free(name)
        })
      )
    })
  }

  const limited = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | ApiError.TooBusy, R> =>
    Effect.suspend((): Effect.Effect<A, E | ApiError.TooBusy, R> => {
      if (inProgress >= MAX_REQUESTS) return Effect.fail(tooBusy)
      inProgress += 1
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          inProgress -= 1
        })
      )
    })

  return ({ admit }) =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      if (fromElsewhere(request)) return yield* otherOrigin
      const caller = yield* admit(request)
      return yield* limited(Effect.locally(once(caller, request), calledBy, caller))
    }).pipe(
      Effect.catchAll((error) => Effect.succeed(guarded(refusal(error)))),
      // Of an app that does not know who asks.
      Effect.catchAllCause((cause) => Effect.map(unanswered(cause), guarded))
    )
}
