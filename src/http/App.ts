/**
 * The API over the services of this process, without its doors.
 *
 * @internal
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { listenToRuns } from "../supervisor/ListeningToRuns.js"
import * as Admitting from "./Admitting.js"
import type { ApiEvent } from "./ApiEvent.js"
import * as ApiView from "./ApiView.js"
import * as DocsPage from "./DocsPage.js"
import * as EventFeed from "./EventFeed.js"
import type { Floors } from "./Floors.js"
import { HealingApi } from "./HealingApi.js"
import * as JobHandlers from "./JobHandlers.js"
import * as NoticeHandlers from "./NoticeHandlers.js"
import * as Page from "./Page.js"
import * as PageHandlers from "./PageHandlers.js"
import * as Recording from "./Recording.js"
import * as RequestHandlers from "./RequestHandlers.js"
import * as StatusHandlers from "./StatusHandlers.js"
import * as SuggestionHandlers from "./SuggestionHandlers.js"
import * as Unfit from "./Unfit.js"

/** How many of each a snapshot has. */
const MAX_IN_SNAPSHOT = 100

const snapshot =
  (floors: Floors) =>
  (start: string): Effect.Effect<ApiEvent> =>
    Effect.gen(function* () {
      const pending = yield* floors.queue.pending
      const open = { states: ["pending", "approved", "applying", "applied"], limit: MAX_IN_SNAPSHOT } as const
      const suggestions = yield* Effect.orElseSucceed(
        Effect.flatMap(floors.suggestions, ({ list }) => list(open)),
        () => []
      )
      const at = yield* Clock.currentTimeMillis
      return {
        _tag: "Snapshot",
        at,
        status: yield* ApiView.status(floors, start),
        queue: pending.slice(0, MAX_IN_SNAPSHOT).map(ApiView.requestBrief),
        suggestions: suggestions.map(ApiView.suggestionBrief)
      }
    })

const current =
  (floors: Floors) =>
  (start: string): Effect.Effect<ApiEvent> =>
    Effect.map(ApiView.status(floors, start), (status) => ({ _tag: "Status", at: status.at, status }))

/**
 * What happens from now on, and what has happened in the last hours.
 *
 * @internal
 */
export interface Feed extends EventFeed.EventFeed, Recording.Recording {}

/**
 * What happens from now on, for all who watch.
 *
 * @internal
 */
export const makeFeed = (floors: Floors): Effect.Effect<Feed, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { healing, openClaw, queue, suggestions, supervisor } = floors
    const feed = yield* EventFeed.make({ snapshot: snapshot(floors), current: current(floors) })
    const recorder = yield* Recording.make(floors, feed)
    const toApi = ApiView.queueEvent(floors)
    const ofSuggestions = Stream.unwrap(
      Effect.match(suggestions, { onFailure: () => Stream.empty, onSuccess: ({ events }) => events })
    )
    const sources = [
      Stream.runForEach(queue.events, (event) => feed.publish(toApi(event))),
      Stream.runForEach(ofSuggestions, (event) => feed.publish(ApiView.suggestionEvent(event))),
      Stream.runForEach(healing.status.changes, (status) =>
        Effect.zipRight(recorder.healings(status), feed.statusChanged)
      ),
      Stream.runForEach(openClaw.running.changes, (state) => Effect.zipRight(recorder.jobs(state), feed.statusChanged)),
      Effect.matchEffect(supervisor, {
        onFailure: () => Effect.void,
        onSuccess: (found) => listenToRuns(found, recorder.ran)
      })
    ]
    for (const source of sources) yield* Effect.forkScoped(source)
    return { ...feed, segments: recorder.segments }
  })

/** The page is the same whoever asks for it. */
const forDocs = HttpServerRequest.fromWeb(new Request("http://localhost/docs"))

/** The page of docs has 2 MB of code in it, which is loaded and hashed once, when somebody wants to see it. */
const docs = HttpApiBuilder.Router.use((router) =>
  Effect.gen(function* () {
    const api = yield* HttpApi.Api
    const load = Effect.gen(function* () {
      const { layer } = yield* Effect.promise(() => import("@effect/platform/HttpApiSwagger"))
      const page = layer({ path: "/docs" }).pipe(
        Layer.provide(Layer.succeed(HttpApi.Api, api)),
        Layer.provideMerge(HttpApiBuilder.Router.Live)
      )
      const built = yield* Effect.scoped(Effect.map(Layer.build(page), Context.get(HttpApiBuilder.Router)))
      const app = yield* Effect.flatMap(built.router, HttpRouter.toHttpApp)
      return yield* app.pipe(
        Effect.provideService(HttpServerRequest.HttpServerRequest, forDocs),
        Effect.map(DocsPage.withPolicy),
        Effect.orDie
      )
    })
    // One who leaves while it is loaded leaves it to the others.
    yield* router.get("/docs", yield* Effect.cached(Effect.uninterruptible(load)))
  })
)

/** It is the same for everybody, and shows nothing before it has asked. */
const page = HttpApiBuilder.Router.use((router) =>
  Effect.flatMap(Effect.cached(Effect.uninterruptible(Page.load)), (page) => router.get("/page", page))
)

/** What does not fit is said in the words of everything else that is asked for. */
const saidPlainly = HttpApiBuilder.middleware((app) =>
  Effect.catchAll(app, (error: unknown) =>
    // The API makes an answer of it. Its types say that none is left to be made here.
    Effect.fail((error instanceof HttpApiDecodeError ? Unfit.invalid(error) : error) as never)
  )
)

/** An id may have any name of a job in it, each of whose characters takes up to nine in a path. */
const MAX_PARAMETER = 4096

/**
 * - `prefix`: where it is mounted, for what the description says of its addresses.
 * - `links`: to the page, where there are any.
 *
 * @internal
 */
export interface AppOptions {
  readonly prefix: string
  readonly links?: PageHandlers.PageLinks
}

const build = (floors: Floors, feed: Feed, { links, prefix }: AppOptions) => {
  const described = prefix === "" ? HealingApi : HealingApi.annotate(OpenApi.Servers, [{ url: prefix }])
  const handlers = Layer.mergeAll(
    StatusHandlers.layer(floors, feed),
    JobHandlers.layer(floors, feed),
    RequestHandlers.layer(floors),
    SuggestionHandlers.layer(floors, feed),
    NoticeHandlers.layer(floors),
    PageHandlers.layer(links)
  ).pipe(Layer.provide(Admitting.layer))
  const pages = Layer.mergeAll(HttpApiBuilder.middlewareOpenApi(), docs, page, saidPlainly).pipe(
    Layer.provideMerge(HttpApiBuilder.api(described).pipe(Layer.provide(handlers)))
  )
  const live = pages.pipe(
    Layer.provideMerge(HttpApiBuilder.Router.Live),
    Layer.provideMerge(HttpApiBuilder.Middleware.layer),
    Layer.merge(HttpServer.layerContext)
  )
  return Layer.build(live)
}

/** @internal */
export const make = (
  floors: Floors,
  feed: Feed,
  options: AppOptions
): Effect.Effect<HttpApp.Default<unknown>, never, Scope.Scope> =>
  Effect.flatMap(build(floors, feed, options), (context) =>
    HttpApiBuilder.httpApp.pipe(
      Effect.provide(context),
      HttpRouter.withRouterConfig({ maxParamLength: MAX_PARAMETER }),
      Effect.map(Effect.provide(context))
    )
  )
