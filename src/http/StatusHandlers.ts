/**
 * What runs, what waits and why, as it is and as it changes.
 *
 * @internal
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Doctor from "../doctor/Doctor.js"
import { defaultHome, moduleDatabase } from "../pm2/Home.js"
import * as HealingHealth from "../queue/HealingHealth.js"
import { NotProvided, TooBusy } from "./ApiError.js"
import * as ApiView from "./ApiView.js"
import type { EventFeed } from "./EventFeed.js"
import type { Floors } from "./Floors.js"
import { HealingApi } from "./HealingApi.js"
import { inTime } from "./InTime.js"
import { nodeResponse } from "./NodeResponse.js"
import * as Prometheus from "./Prometheus.js"
import type { Recording } from "./Recording.js"
import { CurrentCaller, callerKey, isAllowed } from "./Rights.js"
import { whileWaiting } from "./Slots.js"

/** @internal */
export const layer = (floors: Floors, feed: EventFeed & Recording) =>
  HttpApiBuilder.group(HealingApi, "status", (handlers) => {
    const examine = makeDoctor(floors)
    return (
      handlers
        .handle("healthz", () => inTime(health(floors)))
        .handle("status", () => inTime(ApiView.status(floors, feed.start)))
        .handle("timeline", () => feed.segments)
        .handle("problems", () => inTime(Effect.flatMap(floors.scheduler, ({ problems }) => problems)))
        // It runs commands, with a time limit of their own.
        .handle("doctor", () => whileWaiting(examine))
        .handle("metrics", () => Prometheus.text)
        .handle("events", ({ headers, request }) => events(feed, headers["last-event-id"], request))
    )
  })

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

const noFile = new NotProvided({
  service: "HealingStore",
  message: "This process has no store in a SQLite file, which is what the doctor looks at"
})

/** The doctor looks at the machine, whatever the app has provided. One after the other: it starts programs. */
const makeDoctor = ({ context, database, scheduler }: Floors) => {
  const alone = Effect.unsafeMakeSemaphore(1)
  return Effect.gen(function* () {
    if (database === undefined) return yield* noFile
    const { problems: unhealthy } = yield* Effect.provide(HealingHealth.read, context)
    const problems = yield* Effect.orElseSucceed(
      Effect.flatMap(scheduler, ({ problems }) => problems),
      () => []
    )
    const home = yield* defaultHome
    // Paths stand in what there is to do, for those who decide.
    return yield* Doctor.examine({
      database,
      home: database === moduleDatabase(home) ? home : undefined,
      running: { unhealthy: unhealthy.map(({ message }) => message), problems }
    })
  }).pipe(Effect.provide(NodeContext.layer), alone.withPermits(1))
}

const tooMany = new TooBusy({ message: "Too many watch already: close one of the streams, or ask again later" })

/** Tells when the connection is gone, which nobody may read from any more. */
const onClose = (request: HttpServerRequest.HttpServerRequest, leave: () => void): void => {
  const response = nodeResponse(request)
  if (response !== undefined) response.once("close", leave)
  else if (request.source instanceof Request) request.source.signal.addEventListener("abort", leave, { once: true })
}

const options = {
  contentType: "text/event-stream",
  // A proxy that keeps the answer until it is complete would keep it for ever.
  headers: { "x-accel-buffering": "no" }
}

const events = (feed: EventFeed, lastId: string | undefined, request: HttpServerRequest.HttpServerRequest) =>
  Effect.gen(function* () {
    // Nobody would read the stream.
    if (request.method === "HEAD")
      return HttpServerResponse.empty({ status: 200, headers: { "content-type": options.contentType } })
    const caller = yield* CurrentCaller
    const watched = yield* feed.watch({
      caller: callerKey(caller),
      lastId,
      isStillAdmitted: caller.isStillAdmitted,
      // Where the connection is one of Node, it can be closed from here, too.
      cut: () => nodeResponse(request)?.destroy()
    })
    if (Option.isNone(watched)) return yield* tooMany
    onClose(request, watched.value.leave)
    return HttpServerResponse.stream(watched.value.stream, options)
  })
