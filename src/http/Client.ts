/**
 * A typed client of the API.
 *
 * @since 0.1.0
 */
import type { AgentOptions } from "node:https"
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { AtTheDoor } from "./ApiError.js"
import type { ApiEvent } from "./ApiEvent.js"
import { eventsOf } from "./EventStream.js"
import { HealingApi } from "./HealingApi.js"

/**
 * Where the API is: the path of its Unix socket; or its address over TCP, with a token.
 *
 * @since 0.1.0
 * @category models
 */
export type Place = { readonly socket: string } | { readonly url: string; readonly token: Redacted.Redacted }

/** What a client of the API has for each of its addresses. */
const addresses = (client: HttpClient.HttpClient) => HttpApiClient.makeWith(HealingApi, { httpClient: client })

/**
 * - `api`: the addresses of the API, by their groups and names.
 * - `events`: what happens from now on, or since the event with this id; it ends when the process ends. Each comes with its id.
 *
 * @since 0.1.0
 * @category models
 */
export interface HealingClient {
  readonly api: Effect.Effect.Success<ReturnType<typeof addresses>>
  readonly events: (
    lastId?: string
  ) => Stream.Stream<
    { readonly id: string; readonly event: ApiEvent },
    AtTheDoor | HttpClientError.HttpClientError | ParseResult.ParseError
  >
}

/** Node's agents take the path of a socket; their types do not say so. */
const agentOf = (place: Place): AgentOptions =>
  ("socket" in place ? { socketPath: place.socket } : { keepAlive: true }) as AgentOptions

const requestOf = (place: Place) =>
  "socket" in place
    ? HttpClientRequest.prependUrl("http://localhost")
    : (request: HttpClientRequest.HttpClientRequest) =>
        request.pipe(
          HttpClientRequest.prependUrl(place.url),
          HttpClientRequest.bearerToken(Redacted.value(place.token))
        )

/** @internal */
export const make = (place: Place): Effect.Effect<HealingClient, never, Scope.Scope> =>
  Effect.gen(function* () {
    const agent = NodeHttpClient.makeAgentLayer(agentOf(place))
    const context = yield* Layer.build(NodeHttpClient.layerWithoutAgent.pipe(Layer.provide(agent)))
    const client = Effect.map(HttpClient.HttpClient, HttpClient.mapRequest(requestOf(place)))
    const http = yield* Effect.provide(client, context)
    return { api: yield* addresses(http), events: eventsOf(http) }
  })
