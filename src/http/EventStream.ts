/**
 * The events of the API, as a client reads them.
 *
 * @internal
 */
import * as Sse from "@effect/experimental/Sse"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { AtTheDoor, TooSlow } from "./ApiError.js"
import { ApiEvent } from "./ApiEvent.js"

/** Three signs of life are missing by then: it is a connection of which nobody has told that it is gone. */
const MAX_SILENCE = "50 seconds"

const silent = () => new TooSlow({ message: `Nothing has come for ${MAX_SILENCE}: the connection is gone` })

const refused = HttpClientResponse.schemaBodyJson(AtTheDoor)

const decodeEvent = Schema.decodeUnknown(Schema.parseJson(ApiEvent))

/** @internal */
export const eventsOf =
  (http: HttpClient.HttpClient) =>
  (
    lastId?: string
  ): Stream.Stream<
    { readonly id: string; readonly event: ApiEvent },
    AtTheDoor | HttpClientError.HttpClientError | ParseResult.ParseError
  > =>
    http.get("/events", { headers: lastId === undefined ? {} : { "last-event-id": lastId } }).pipe(
      Effect.flatMap((response) =>
        response.status === 200 ? Effect.succeed(response) : Effect.flatMap(refused(response), Effect.fail)
      ),
      HttpClientResponse.stream,
      Stream.timeoutFail(silent, MAX_SILENCE),
      Stream.decodeText(),
      Stream.pipeThroughChannel(Sse.makeChannel()),
      Stream.mapEffect(({ data, id = "" }) => Effect.map(decodeEvent(data), (event) => ({ id, event })))
    )
