/**
 * Starts the page: who looks, then what there is to see, and what happens from then on.
 *
 * @internal
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type { HttpClient } from "@effect/platform/HttpClient"
import { batch, signal } from "@preact/signals"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { render } from "preact"
import type { ApiEvent } from "../http/ApiEvent.js"
import type { ApiCaller } from "../http/ApiModel.js"
import * as Api from "./Api.js"
import { follow } from "./Following.js"
import * as Live from "./Live.js"
import type { Connection, Topic } from "./Page.js"
import * as Route from "./Route.js"
import * as Session from "./Session.js"
import { Outside, Shell } from "./Shell.js"

const root = document.querySelector("#page")

const show = (view: Parameters<typeof render>[0]): void => {
  if (root !== null) render(view, root)
}

/** What the page knows, and how it comes to know it. */
const makeState = () => {
  const live = signal(Live.nothing)
  const connection = signal<Connection>({ state: "connecting", since: Date.now(), why: undefined })
  const changed = { requests: signal(0), suggestions: signal(0), jobs: signal(0) }
  /** How far the clock of the server is ahead of that of the browser. */
  let ahead = 0
  const now = signal(Date.now())
  const tick = () => {
    now.value = Date.now() + ahead
  }
  const touch = (...topics: ReadonlyArray<Topic>) => {
    for (const topic of topics) changed[topic].value += 1
  }
  const told = (event: ApiEvent) =>
    batch(() => {
      const isLive = connection.value.state === "live"
      // What was asked for meanwhile may have failed.
      if (event._tag === "Snapshot" || !isLive) touch("requests", "suggestions", "jobs")
      if (!isLive) connection.value = { state: "live", since: Date.now(), why: undefined }
      live.value = Live.after(live.value, event)
      if (event._tag === "Request") touch("requests")
      if (event._tag === "Suggestion") touch("suggestions")
      if (event._tag === "Segment") touch("jobs")
      if (event._tag === "Snapshot" || event._tag === "Status") ahead = event.status.at - Date.now()
      tick()
    })
  const lost = (why: string, since: number) => {
    // It is lost since the first time, however often it is tried again.
    connection.value = { state: "lost", since: connection.value.state === "lost" ? connection.value.since : since, why }
  }
  return { live, connection, changed, now, tick, told, lost }
}

const route = signal(Route.parse(location.hash))

window.addEventListener("hashchange", () => {
  // Another link, in a tab that was open already.
  if (location.hash.startsWith("#code=")) location.reload()
  else route.value = Route.parse(location.hash)
})

const HowToCome = () => (
  <>
    <p>This page needs a link to come in, which is good once and for two minutes. On the machine where it runs:</p>
    <pre>effect-healing open</pre>
    <p>Under PM2, the first line of its log says where that command is. What the link opens is for this tab only.</p>
  </>
)

/** An app that has mounted the page knows by itself who looks. */
const nothingFor = (name: string) =>
  Effect.sync(() =>
    show(
      <Outside title="Nothing to see">
        <p>You are {name}, who may not look at this. The app that shows this page says who may.</p>
      </Outside>
    )
  )

const over = (why: string) =>
  Effect.sync(() => {
    Session.forget()
    show(
      <Outside title="You have to come in first">
        <p role="alert">{why}</p>
        <HowToCome />
      </Outside>
    )
  })

/** Shows how things are, until nobody may look any more. */
const watch = (api: Api.Api, caller: ApiCaller) =>
  Effect.gen(function* () {
    const { changed, connection, live, lost, now, tick, told } = makeState()
    show(<Shell page={{ api, caller, live, connection, now, changed, route }} />)
    yield* Effect.fork(Effect.repeat(Effect.sync(tick), Schedule.spaced("1 second")))
    const timeline = api.status.timeline().pipe(
      Effect.retry({ times: 3, schedule: Schedule.exponential("1 second") }),
      Effect.map((segments) => {
        live.value = Live.withTimeline(live.value, segments)
      }),
      // It is asked for again with the next snapshot.
      Effect.ignore
    )
    yield* follow(api, {
      lost,
      told: (event) =>
        Effect.suspend(() => {
          told(event)
          // From there on, events tell what is on it.
          return event._tag === "Snapshot" ? Effect.fork(timeline) : Effect.void
        })
    })
    yield* caller.door === "app" ? nothingFor(caller.name) : over("Your session is over.")
  })

const program = (code: string | undefined): Effect.Effect<void, never, HttpClient> =>
  Effect.gen(function* () {
    const session = yield* Session.find(Api.baseUrl(), code)
    const api = yield* Api.make(session)
    const caller = yield* api.page.caller()
    yield* caller.rights.includes("read") ? watch(api, caller) : nothingFor(caller.name)
  }).pipe(
    Effect.catchAll((error) =>
      error._tag === "Unauthorized" || error._tag === "LinkSpent" || error._tag === "NotProvided"
        ? over(error.message)
        : broken(Api.problemOf(error), () => start(code))
    ),
    Effect.catchAllDefect((defect) => broken(`This page has broken: ${defect}`, () => location.reload()))
  )

const broken = (why: string, again: () => void) =>
  Effect.sync(() =>
    show(
      <Outside title="There is nothing to show">
        <p role="alert">{why}</p>
        <button type="button" onClick={again}>
          Try again
        </button>
      </Outside>
    )
  )

/** With the code of the link, which may not have been spent when it is tried again. */
const start = (code: string | undefined): void => {
  Effect.runFork(Effect.provide(program(code), FetchHttpClient.layer))
}

start(Session.takeCode())
