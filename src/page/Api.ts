/**
 * The API, as the page calls it.
 *
 * @internal
 */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import { eventsOf } from "../http/EventStream.js"
import { HealingApi } from "../http/HealingApi.js"

/**
 * Where the API is: the page is a part of it.
 *
 * @internal
 */
export const baseUrl = (): string => `${location.origin}${location.pathname.replace(/\/page\/?$/, "")}`

/**
 * - `session`: the one of this tab. Without it, the app has to know who looks.
 *
 * @internal
 */
export const make = (session: string | undefined) =>
  Effect.gen(function* () {
    const http = (yield* HttpClient.HttpClient).pipe(
      HttpClient.mapRequest(HttpClientRequest.prependUrl(baseUrl())),
      HttpClient.mapRequest((request) =>
        session === undefined ? request : HttpClientRequest.bearerToken(request, session)
      ),
      // Nobody traces a browser.
      HttpClient.withTracerPropagation(false)
    )
    return { ...(yield* HttpApiClient.makeWith(HealingApi, { httpClient: http })), events: eventsOf(http) }
  })

/** @internal */
export type Api = Effect.Effect.Success<ReturnType<typeof make>>

/** Any way in which the API fails. */
interface Failure {
  readonly _tag: string
  readonly message: string
}

/**
 * What has gone wrong, for a person.
 *
 * @internal
 */
export const problemOf = ({ _tag, message }: Failure): string => {
  if (_tag === "RequestError") return "Nothing answers."
  if (_tag === "ParseError" || _tag === "HttpApiDecodeError")
    return "The answer is one that this page does not know. Reload the page: the process may be newer."
  return message
}
