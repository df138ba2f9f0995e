/**
 * What runs, what waits and why, as it is and as it changes.
 *
 * @internal
 */
import { ServerResponse } from "node:http"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as HealingHealth from "../queue/HealingHealth.js"
import { TooBusy } from "./ApiError.js"
import * as ApiView from "./ApiView.js"
import type { EventFeed } from "./EventFeed.js"
import type { Floors } from "./Floors.js"
import { HealingApi } from "./HealingApi.js"
import { inTime } from "./InTime.js"
import * as Prometheus from "./Prometheus.js"
import { CurrentCaller, isAllowed } from "./Rights.js"

/**
 * A watcher who reads nothing for so long is cut off, in milliseconds: heartbeats come more often.
 *
 * @internal
 */
export const STALLED = 45_000

/** @internal */
export const layer = (floors: Floors, feed: EventFeed) =>
  HttpApiBuilder.group(HealingApi, "status", (handlers) =>
    handlers
      .handle("healthz", () => inTime(health(floors)))
      .handle("status", () => inTime(ApiView.status(floors, feed.start)))
      .handle("problems", () => inTime(Effect.flatMap(floors.scheduler, ({ problems }) => problems)))
      .handle("metrics", () => Prometheus.text)
      .handle("events", ({ headers, request }) => events(feed, headers["last-event-id"], request))
  )

const health = ({ context, withoutPath }: Floors) =>
  Effect.gen(function* () {
    const { healthy, problems, ...times } = yield* Effect.provide(HealingHealth.read, context)
    const isReader = isAllowed(yield* CurrentCaller, "read")
    const all = {
      problems: problems.map(({ _tag, message, restartHelps }) => ({
        _tag,
        message: withoutPath(message),
        restartHelps
      })),
      lastCommit: times.lastCommit ?? null,
      lastReview: times.lastReview ?? null,
      oldestPending: times.oldestPending ?? null
    }
    return HttpServerResponse.unsafeJson({ healthy, ...(isReader && all) }, { status: healthy ? 200 : 503 })
  })

/** Where the connection is one of Node, a watcher who does not read is cut off for good. */
const cutOf = (request: HttpServerRequest.HttpServerRequest): (() => void) => {
  const response: unknown = NodeHttpServerRequest.toServerResponse(request)
  if (!(response instanceof ServerResponse)) return () => {}
  response.setTimeout(STALLED, () => response.destroy())
  return () => response.destroy()
}

const tooMany = new TooBusy({ message: "Too many watch already: close one of the streams, or ask again later" })

const events = (feed: EventFeed, lastId: string | undefined, request: HttpServerRequest.HttpServerRequest) =>
  Effect.gen(function* () {
    const { isStillAdmitted, name } = yield* CurrentCaller
    const stream = yield* feed.watch({ name, lastId, isStillAdmitted, cut: cutOf(request) })
    if (Option.isNone(stream)) return yield* tooMany
    return HttpServerResponse.stream(stream.value, {
      contentType: "text/event-stream",
      // A proxy that keeps the answer until it is complete would keep it for ever.
      headers: { "x-accel-buffering": "no" }
    })
  })
