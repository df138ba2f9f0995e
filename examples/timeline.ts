/**
 * Jobs go first: two OpenClaw jobs and two healings, with real processes, drawn as a timeline.
 *
 *     npm start                  reviews by a stand-in for OpenClaw, which costs nothing
 *     npm start -- --openclaw    reviews by the OpenClaw that is installed here, which spends its user's tokens
 *
 * This program plays the supervisor. It starts processes, and tells the gate which of them are OpenClaw jobs
 * (`OpenClaw.withJob`). Reviews of two other jobs, X and Y, are asked for (`HealingQueue.submit`), and the queue has them
 * done when it is their turn: by the `OpenClawReviewer`, which asks for the evidence (`Supervisor`) and starts the OpenClaw
 * CLI. The requests are in a SQLite file, so that a program that is killed goes on where it was when it is started again.
 *
 * Each step is chained to what has happened before it, not to the clock, so that the order is the same everywhere.
 */
import { fileURLToPath } from "node:url"
import { Command, FileSystem } from "@effect/platform"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Clock, Console, Data, type Duration, Effect, Layer, Match, Stream } from "effect"
import {
  Healing,
  HealingQueue,
  type HealingRequest,
  HealingService,
  HealingStore,
  type HeldBy,
  OpenClaw,
  Reviewer,
  reportMarkdown,
  Supervisor
} from "effect-healing"
import { OpenClawReviewer } from "effect-healing/openclaw"
import { draw, type Event, isJob, type Segment, type State, segments, type Who } from "./draw.js"
import { Recording, screen } from "./recording.js"

/** In the current folder, which `npm start` makes the root of the repository. */
const FOLDER = ".healing"

const FILE = `${FOLDER}/timeline.db`

const isReal = process.argv.includes("--openclaw")

const scenario = Effect.gen(function* () {
  const { until } = yield* Recording

  const after =
    (who: Who, state: State, delay: Duration.DurationInput) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.zipRight(until(who, state), Effect.delay(effect, delay))

  yield* Effect.all(
    [
      // 1. OpenClaw job A starts.
      job("A", until("healing X", "waiting")),
      // 2. A healing of X is asked for. It waits, since A runs.
      healing("X").pipe(after("job A", "running", "500 millis")),
      // 3. A ends. B starts a moment later: within the quiet period, so B goes first.
      job("B").pipe(after("job A", "ended", "300 millis")),
      // 4. B ends. Nothing more starts, so after the quiet period X is reviewed.
      // 5. A healing of Y is asked for. It waits, since X is being reviewed.
      healing("Y").pipe(after("healing X", "running", "500 millis"))
      // 6. The review of X ends, and Y is reviewed.
    ],
    { concurrency: "unbounded" }
  )
  yield* until("healing Y", "waiting")
  yield* untilDone
})

/** Until nobody waits and nobody is reviewed any more. */
const untilDone = Effect.gen(function* () {
  const { status } = yield* HealingService
  yield* status.changes.pipe(
    Stream.takeUntil(({ running, waiting }) => running.length === 0 && waiting === 0),
    Stream.runDrain
  )
})

/** What a program before this one has left behind when it was killed: it goes on by itself. */
const goOn = (left: ReadonlyArray<HealingRequest>) =>
  Effect.gen(function* () {
    const names = left.map(({ attempts, job }) => (attempts === 0 ? job : `${job} (cut off in the middle)`))
    yield* Console.log(` Left over from a program that was killed, and done now: ${names.join(", ")}\n`)
    yield* untilDone
  })

/** An OpenClaw job: the gate knows of it from before its process starts until after it has ended. */
const job = (name: string, busy?: Effect.Effect<void>) =>
  Effect.flatMap(OpenClaw, (openClaw) => openClaw.withJob(name)(child(`job ${name}`, busy)))

/** A healing is asked for, and nobody waits for it: it is on disk, and done when it is its turn. */
const healing = (name: string) =>
  Effect.gen(function* () {
    const queue = yield* HealingQueue
    const { record } = yield* Recording
    yield* record(`healing ${name}`, "asked", "wants to run")
    yield* queue.submit({ job: name })
  })

/** What is known about X and Y: each has failed. */
const SupervisorLive = Layer.effect(
  Supervisor,
  Effect.map(Clock.currentTimeMillis, (now) => ({
    jobs: Effect.succeed(Object.keys(failures).map((id) => ({ id, kind: "process", openClaw: false, policy: {} }))),
    // Which OpenClaw jobs run is told by `withJob`.
    activity: Stream.never,
    events: Stream.never,
    runs: Stream.never,
    evidence: ({ id }) =>
      Effect.succeed({
        command: `node ${id}.js`,
        runs: [{ id: "1", outcome: "failed", startedAt: now - 5000, endedAt: now - 1000, exitCode: 1 }],
        slaBreaches: [],
        logs: [{ name: "stderr", text: failures[id] ?? "" }],
        files: []
      })
  }))
)

const failures: Record<string, string> = {
  X: "connecting to the database\nError: connect ECONNREFUSED\n    at TCPConnectWrap",
  Y: "writing the report\nError: ENOSPC, no space left on device\n    at writeFile"
}

/** What is done in a turn: OpenClaw is asked. In the scenario X takes until Y waits, to show that Y does. */
const ReviewerLive = Layer.effect(
  Reviewer,
  Effect.gen(function* () {
    const { review } = yield* Reviewer
    const { events, record, until } = yield* Recording
    const wasAsked = (job: string) =>
      Effect.map(events, (events) => events.some(({ who, state }) => who === `healing ${job}` && state === "asked"))
    const untilYWaits = Effect.whenEffect(until("healing Y", "waiting"), wasAsked("X"))
    return {
      review: (request) =>
        record(`healing ${request.job}`, "running", "starts").pipe(
          Effect.zipRight(request.job === "X" ? untilYWaits : Effect.void),
          Effect.zipRight(review(request)),
          Effect.ensuring(record(`healing ${request.job}`, "ended", "ends"))
        )
    }
  })
).pipe(
  Layer.provide(
    OpenClawReviewer.layer(isReal ? {} : { command: fileURLToPath(new URL("standIn.mjs", import.meta.url)) })
  ),
  Layer.provide(SupervisorLive)
)

/** What the reviews have found, as files for a person to read. */
const writeReports = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const queue = yield* HealingQueue
  for (const request of (yield* queue.history({ limit: 2 })).toReversed()) {
    const file = `${FOLDER}/${request.job}.md`
    yield* files.writeFileString(file, reportMarkdown(request))
    yield* Console.log(` The report on ${request.job} is in ${file}.`)
  }
})

/** A real process. It works for as long as its input goes on, which is as long as `busy`, and then for a second. */
const child = (who: Who, busy: Effect.Effect<unknown> = Effect.void) =>
  Effect.gen(function* () {
    const { record } = yield* Recording
    yield* record(who, "running", "starts")
    yield* Command.make(process.execPath, "--eval", work).pipe(
      Command.stdin(Stream.execute(busy)),
      Command.exitCode,
      Effect.filterOrDieMessage((exitCode) => exitCode === 0, `The process of ${who} failed`)
    )
    yield* record(who, "ended", "ends")
  })

const work = `process.stdin.resume().on("end", () => setTimeout(() => {}, 1000))`

/** Records what the first one in the line waits for, whenever that changes. */
const recordWaits = Effect.gen(function* () {
  const gate = yield* HealingService
  const { record } = yield* Recording
  yield* gate.status.changes.pipe(
    Stream.flatMap(({ heldBy: [heldBy], line: [first] }) =>
      first === undefined || heldBy === undefined ? Stream.empty : Stream.succeed({ job: first.job, ...reason(heldBy) })
    ),
    Stream.changesWith((one, other) => one.job === other.job && one.text === other.text),
    Stream.runForEach(({ job, state, text }) => record(`healing ${job}`, state, text))
  )
})

const reason = Match.type<HeldBy>().pipe(
  Match.withReturnType<{ readonly state: State; readonly text: string }>(),
  Match.tagsExhaustive({
    Disabled: () => ({ state: "waiting", text: "waits: healing is switched off" }),
    Paused: () => ({ state: "waiting", text: "waits: the queue is paused" }),
    RateLimited: () => ({ state: "waiting", text: "waits: the reviewer is rate limited" }),
    DailyLimit: () => ({ state: "waiting", text: "waits: enough reviews for a day" }),
    StoreFailing: ({ reason }) => ({ state: "waiting", text: `waits: ${reason}` }),
    NotBefore: () => ({ state: "waiting", text: "waits: for its next try" }),
    Jobs: ({ jobs }) => ({ state: "waiting", text: `waits: OpenClaw job ${jobs.join(", ")} runs` }),
    UnknownSources: () => ({ state: "waiting", text: "waits: nobody knows what runs" }),
    QuietPeriod: () => ({ state: "quiet", text: "waits: no job runs, but another may be about to" }),
    Turn: ({ reviews }) => ({ state: "waiting", text: `waits: the review of ${reviews.join(", ")} runs` })
  })
)

/** What should be true of this run, held against what was recorded of it. */
const prove = (events: ReadonlyArray<Event>): Effect.Effect<string, Disproven> => {
  const runs = segments(events).filter(({ state }) => state === "running")
  const jobs = runs.filter(({ who }) => isJob(who))
  const reviews = runs.filter(({ who }) => !isJob(who))
  const apart = (one: Segment, other: Segment) => one === other || one.to <= other.from || other.to <= one.from
  const at = (who: Who, state: State) =>
    events.find((event) => event.who === who && event.state === state)?.at ?? Number.NaN

  const claims = {
    "all ran": jobs.length === 2 && reviews.length === 2 && runs.every(({ who }) => at(who, "ended") > 0),
    "no review during an OpenClaw job": reviews.every((review) => jobs.every((job) => apart(review, job))),
    "no two at once": reviews.every((one) => reviews.every((other) => apart(one, other))),
    "B before X": at("healing X", "asked") < at("job B", "running") && at("job B", "ended") < at("healing X", "running")
  }
  const refuted = Object.entries(claims).flatMap(([claim, holds]) => (holds ? [] : [claim]))
  return refuted.length === 0
    ? Effect.succeed(`Proven: ${Object.keys(claims).join(", ")}.`)
    : Effect.fail(new Disproven({ message: refuted.join(", ") }))
}

class Disproven extends Data.TaggedError("Disproven")<{ readonly message: string }> {}

const program = Effect.gen(function* () {
  const { events } = yield* Recording
  const queue = yield* HealingQueue
  yield* Console.log("\n OpenClaw jobs A and B, and healings of X and Y: jobs go first.")
  yield* Console.log(` Reviews are done by ${isReal ? "OpenClaw" : "a stand-in for OpenClaw, free of charge"}.\n`)
  const left = yield* queue.pending
  yield* Effect.raceFirst(left.length === 0 ? scenario : goOn(left), recordWaits)
  yield* Console.log(`\n${draw(yield* events, yield* screen)}\n`)
  if (left.length === 0) yield* Console.log(` ${yield* prove(yield* events)}`)
  yield* writeReports
  yield* Console.log(` The requests are in ${FILE}.\n`)
})

const Live = HealingQueue.layer.pipe(
  Layer.provide(ReviewerLive),
  Layer.provideMerge(HealingStore.layerSqlite(FILE)),
  Layer.provideMerge(Healing.layer({ settings: { quietPeriod: "1 second" } })),
  Layer.provideMerge(Recording.Default),
  Layer.provideMerge(NodeContext.layer)
)

program.pipe(Effect.provide(Live), NodeRuntime.runMain)
