/**
 * A client for addresses that are secret.
 *
 * @internal
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"

/**
 * A client of its own: that of the app may log what it is asked for, and a span would have the address in it.
 *
 * @internal
 */
export const client: Effect.Effect<HttpClient.HttpClient> = HttpClient.HttpClient.pipe(
  Effect.map(HttpClient.withTracerPropagation(false)),
  Effect.map(HttpClient.withTracerDisabledWhen(() => true)),
  Effect.provide(FetchHttpClient.layer)
)
