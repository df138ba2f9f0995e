/**
 * Asks ProcClaw's API, one question at a time: it does its work on one thread, and a question costs it up to a fifth of a second.
 *
 * @internal
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { HttpClientResponse } from "@effect/platform/HttpClientResponse"
import * as Chunk from "effect/Chunk"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { client } from "../internal/PrivateHttp.js"

/**
 * There is no answer, or none of use.
 *
 * - `reason`: why, without anything secret.
 * - `status`: of HTTP, if there was an answer.
 *
 * @internal
 */
export class ProcClawSilent extends Data.TaggedError("ProcClawSilent")<{
  readonly reason: string
  readonly status?: number
}> {}

/**
 * - `get`: the answer to a question, as JSON.
 * - `post`: the same for something that is to be done, which may take so long. Questions do not wait for it.
 *
 * @internal
 */
export interface Api {
  readonly get: (path: string) => Effect.Effect<unknown, ProcClawSilent>
  readonly post: (path: string, patience: Duration.Duration) => Effect.Effect<unknown, ProcClawSilent>
}

/** What takes longer says nothing of what is so now: 6 seconds without an answer were recorded. */
const PATIENCE = Duration.seconds(3)

/** What is read of an answer, in bytes: 10,000 lines of a log took 742 kB. */
const MAX_ANSWER = 4 * 1024 * 1024

/** @internal */
export const make = (url: URL, token: Redacted.Redacted<string> | undefined): Api => {
  const oneAtATime = Effect.unsafeMakeSemaphore(1)
  const base = url.href.replace(/\/$/, "")
  const authorized = (request: HttpClientRequest.HttpClientRequest) =>
    token === undefined ? request : HttpClientRequest.bearerToken(request, Redacted.value(token))

  const ask = (request: HttpClientRequest.HttpClientRequest, patience: Duration.Duration) =>
    Effect.flatMap(client, (client) => client.execute(HttpClientRequest.acceptJson(authorized(request)))).pipe(
      // A token goes to the place that it is for, and to no other one.
      Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
      // What is wrong may have the address with its password in it.
      Effect.mapError(() => new ProcClawSilent({ reason: `ProcClaw does not answer at ${url.host}` })),
      Effect.flatMap(bodyOf),
      Effect.timeoutFail({
        duration: patience,
        onTimeout: () =>
          new ProcClawSilent({ reason: `ProcClaw does not answer within ${Duration.format(patience)} at ${url.host}` })
      })
    )

  return {
    get: (path) => oneAtATime.withPermits(1)(ask(HttpClientRequest.get(`${base}${path}`), PATIENCE)),
    post: (path, patience) => ask(HttpClientRequest.post(`${base}${path}`), patience)
  }
}

const decodeJson = Schema.decodeUnknownEither(Schema.parseJson())

const bodyOf = (response: HttpClientResponse): Effect.Effect<unknown, ProcClawSilent> => {
  const { status } = response
  if (status === 401 || status === 403) {
    return new ProcClawSilent({ reason: `ProcClaw refuses the token (${status})`, status })
  }
  if (status < 200 || status >= 300) return new ProcClawSilent({ reason: `ProcClaw answers with ${status}`, status })
  return textOf(response).pipe(
    Effect.flatMap((text) =>
      Either.mapLeft(decodeJson(text), () => new ProcClawSilent({ reason: "ProcClaw answers with what is no JSON" }))
    )
  )
}

const textOf = (response: HttpClientResponse): Effect.Effect<string, ProcClawSilent> =>
  Effect.suspend(() => {
    let size = 0
    return response.stream.pipe(
      Stream.takeWhile((chunk) => {
        size += chunk.length
        return size <= MAX_ANSWER
      }),
      Stream.runCollect,
      Effect.mapError(() => new ProcClawSilent({ reason: "ProcClaw has broken off its answer" })),
      Effect.filterOrFail(
        () => size <= MAX_ANSWER,
        () => new ProcClawSilent({ reason: "ProcClaw answers with more than 4 MiB" })
      ),
      Effect.map((chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks)).toString("utf8"))
    )
  })
