/**
 * The commands that want something of the queue.
 *
 * @internal
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { HealingClient } from "../http/HealingHttp.js"
import { type HealingRequest, isId } from "../request/HealingRequest.js"
import { oneLine } from "../text/OneLine.js"
import * as Asking from "./Asking.js"
import { CODES, Problem, problemOf } from "./Problem.js"
import * as Screen from "./Screen.js"
import * as Where from "./Where.js"

const written = { ...Where.options, json: Screen.options.json }

const job = Args.text({ name: "job" }).pipe(Args.withDescription("The name of a job"))

// -----------------------------------------------------------------------------
// heal
// -----------------------------------------------------------------------------

/** Asks again and again, since one answer does not wait for longer. */
const ended = (client: HealingClient, id: string): Effect.Effect<HealingRequest, Problem> =>
  client.api.requests.get({ path: { id }, urlParams: { wait: "60s" } }).pipe(
    Effect.repeat({ until: ({ endedAt }) => endedAt !== null }),
    Effect.flatMap((request) =>
      request.coalescedInto === null ? Effect.succeed(request) : ended(client, request.coalescedInto)
    ),
    Effect.mapError(problemOf)
  )

/** On a terminal, one line that says what it waits for, as that changes. */
const liveLine = ({ events }: HealingClient, id: string) =>
  Effect.gen(function* () {
    const { isTerminal, write } = yield* Screen.Screen
    if (!isTerminal) return yield* Effect.never
    const show = (text: string) => Effect.sync(() => write(`\r\u001b[K${text}`))
    return yield* Stream.runForEach(events(), ({ event }) => {
      if (event._tag === "Request") {
        return event.request.id === id ? show(`${id} is ${event.request.state}`) : Effect.void
      }
      if (event._tag !== "Status" && event._tag !== "Snapshot") return Effect.void
      const { heldBy, waiting } = event.status
      if (waiting === 0) return Effect.void
      return show(`${id} waits, held up by ${heldBy.map(({ message }) => oneLine(message)).join("; ")}`)
    }).pipe(Effect.ignore, Effect.zipRight(Effect.never), Effect.ensuring(show("")))
  })

/** What the outcome means for those who have waited for it. */
const outcome = (request: HealingRequest) =>
  Effect.gen(function* () {
    const { endedAt, id, job, reason, report, state, waitUntil } = request
    if (state === "completed") {
      yield* Console.log(`The review of ${oneLine(job)} is completed: ${oneLine(report?.summary ?? "")}`)
      return yield* Console.log(`To read it: effect-healing report ${id}`)
    }
    const hasWaited = state === "skipped" && waitUntil !== null && endedAt !== null && endedAt >= waitUntil
    return yield* new Problem({
      code: hasWaited ? CODES.timedOut : CODES.failed,
      message: `The review of ${oneLine(job)} is ${state}: ${oneLine(reason ?? "no reason was given")}`
    })
  })

const heal = Command.make(
  "heal",
  {
    ...written,
    ...Asking.options,
    job,
    wait: Options.boolean("wait").pipe(Options.withDescription("Wait for its end, and end with its outcome")),
    maxWait: Options.text("max-wait").pipe(
      Options.withDescription('How long it may wait for its turn, such as "1 hour"; for ever if not said'),
      Options.optional
    ),
    note: Options.text("note").pipe(
      Options.withDescription("For the reviewer, in at most 1,000 characters"),
      Options.optional
    )
  },
  (options) =>
    Effect.gen(function* () {
      const client = yield* Where.client(options)
      yield* Asking.confirm(`Have ${oneLine(options.job)} reviewed?`, options)
      const payload = {
        job: options.job,
        ...(Option.isSome(options.maxWait) && { maxWait: options.maxWait.value }),
        ...(Option.isSome(options.note) && { note: options.note.value })
      }
      const submission = yield* Effect.mapError(client.api.requests.heal({ payload }), problemOf)
      if (!options.wait) {
        if (options.json) return yield* Screen.json(submission)
        const how = submission._tag === "Coalesced" ? ", together with an earlier wish" : ""
        return yield* Console.log(`${submission.id} waits for its turn${how}`)
      }
      const request = yield* Effect.raceFirst(ended(client, submission.id), liveLine(client, submission.id))
      if (options.json) yield* Screen.json(request)
      if (!options.json || request.state !== "completed") yield* outcome(request)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Asks for a review of a job"))

// -----------------------------------------------------------------------------
// cancel, pause, resume
// -----------------------------------------------------------------------------

const cancel = Command.make(
  "cancel",
  {
    ...written,
    ...Asking.options,
    of: Args.text({ name: "id|job" }).pipe(Args.withDescription("A request, or the job whose requests are meant"))
  },
  (options) =>
    Effect.gen(function* () {
      const { api } = yield* Where.client(options)
      yield* Asking.confirm(`Cancel the review of ${oneLine(options.of)}?`, options)
      const cancelled = yield* Effect.mapError(
        isId(options.of)
          ? api.requests.cancel({ path: { id: options.of } })
          : api.jobs.cancel({ path: { job: options.of } }),
        problemOf
      )
      if (options.json) return yield* Screen.json(cancelled)
      if (cancelled.length === 0) return yield* Console.log(`No review of ${oneLine(options.of)} waits or runs`)
      for (const { id } of cancelled) yield* Console.log(`${oneLine(id)} is cancelled`)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Cancels what waits or runs"))

const pause = Command.make("pause", { ...Where.options, ...Asking.options }, (options) =>
  Effect.gen(function* () {
    const { api } = yield* Where.client(options)
    yield* Asking.confirm("Let no further review begin?", options)
    yield* Effect.mapError(api.requests.pause(), problemOf)
    yield* Console.log("The queue is paused. To go on: effect-healing resume")
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Lets no further review begin, not even after a restart"))

const resume = Command.make("resume", { ...Where.options, ...Asking.options }, (options) =>
  Effect.gen(function* () {
    const { api } = yield* Where.client(options)
    yield* Asking.confirm("Let reviews begin again?", options)
    yield* Effect.mapError(api.requests.resume(), problemOf)
    yield* Console.log("The queue goes on")
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Lets reviews begin again, after a pause or a rate limit"))

// -----------------------------------------------------------------------------
// watch
// -----------------------------------------------------------------------------

/** @internal */
export const watch = Command.make("watch", { ...written, utc: Screen.options.utc }, (options) =>
  Effect.gen(function* () {
    const { events } = yield* Where.client(options)
    let lastId: string | undefined
    const show = ({ event, id }: { readonly event: WatchedEvent; readonly id: string }) =>
      Effect.suspend(() => {
        lastId = id
        if (options.json) return Console.log(JSON.stringify(event))
        const line = lineOf(event)
        return line === undefined ? Effect.void : Console.log(`${Screen.clockTime(event.at, options)}  ${line}`)
      })
    // One that was too slow is cut off, and goes on where it was.
    const once = Effect.suspend(() => Stream.runForEach(events(lastId), show))
    return yield* once.pipe(
      Effect.zipRight(Effect.sleep(Duration.seconds(1))),
      Effect.forever,
      Effect.mapError(problemOf)
    )
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("What happens, as it happens; with --json a line of JSON each"))

type WatchedEvent = Stream.Stream.Success<ReturnType<HealingClient["events"]>>["event"]

const lineOf = (event: WatchedEvent): string | undefined => {
  switch (event._tag) {
    case "Snapshot":
      return `${event.queue.length} requests run or wait, ${event.suggestions.length} suggestions are open`
    case "Status":
    // What it tells of are the others as well.
    case "Segment":
      return undefined
    case "Request": {
      const { id, reason, state, summary } = event.request
      const why = event.reason ?? summary ?? reason
      return `${oneLine(id)} ${event.event} (${state})${why === null ? "" : `: ${oneLine(why)}`}`
    }
    case "Suggestion":
      return `${oneLine(event.suggestion.id)} ${event.event} (${event.suggestion.state}): ${oneLine(event.suggestion.title)}`
    case "Queue":
      return [event.event, event.job, event.reason].flatMap((part) => (part === null ? [] : [oneLine(part)])).join(" ")
  }
}

/** @internal */
export const commands = [heal, cancel, pause, resume] as const
