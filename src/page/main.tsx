/**
 * Starts the page: who looks, then what there is to see, and what happens from then on.
 *
 * @internal
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { batch, signal } from "@preact/signals"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { render } from "preact"
import type { ApiEvent } from "../http/ApiEvent.js"
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
  const connection = signal<Connection>({ isLive: false, since: Date.now(), why: undefined })
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
      // What was asked for meanwhile may have failed.
      if (event._tag === "Snapshot" || !connection.value.isLive) touch("requests", "suggestions", "jobs")
      if (!connection.value.isLive) connection.value = { isLive: true, since: Date.now(), why: undefined }
      live.value = Live.after(live.value, event)
      if (event._tag === "Request") touch("requests")
      if (event._tag === "Suggestion") touch("suggestions")
      if (event._tag === "Segment") touch("jobs")
      if (event._tag === "Snapshot" || event._tag === "Status") ahead = event.status.at - Date.now()
      tick()
    })
  const lost = (why: string) => {
    // It is lost since the first time, however often it is tried again.
    const since = connection.value.isLive ? Date.now() : connection.value.since
    connection.value = { isLive: false, since, why }
  }
  return { live, connection, changed, now, tick, told, lost }
}

const route = signal(Route.parse(location.hash))

window.addEventListener("hashchange", () => {
  route.value = Route.parse(location.hash)
})

const HowToCome = () => (
  <>
    <p>This page needs a link to come in, which is good once and for two minutes. On the machine where it runs:</p>
    <pre>effect-healing open</pre>
    <p>
      Under PM2, the first line of its log says where that command is. A tab that is closed ends what the link has
      opened.
    </p>
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

const program = Effect.gen(function* () {
  const session = yield* Session.find(Api.baseUrl())
  const api = yield* Api.make(session)
  const caller = yield* api.page.caller()
  if (!caller.rights.includes("read")) return yield* nothingFor(caller.name)
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
}).pipe(
  Effect.catchAll((error) =>
    error._tag === "Unauthorized" || error._tag === "LinkSpent" || error._tag === "NotProvided"
      ? over(error.message)
      : Effect.sync(() =>
          show(
            <Outside title="Nothing answers">
              <p role="alert">{Api.problemOf(error)}</p>
              <button type="button" onClick={() => location.reload()}>
                Try again
              </button>
            </Outside>
          )
        )
  ),
  Effect.provide(FetchHttpClient.layer)
)

Effect.runFork(program)
