/**
 * Jobs go first: two OpenClaw jobs and two healings, with real processes, drawn as a timeline.
 *
 *     npm start
 *
 * This program plays the supervisor. It starts processes, and tells the gate which of them are OpenClaw jobs
 * (`OpenClaw.withJob`). The reviews are processes as well: they are asked for (`HealingQueue.submit`), and the queue calls
 * the `Reviewer` when it is their turn. The requests are in a SQLite file, so that a program that is killed goes on where
 * it was when it is started again.
 *
 * Each step is chained to what has happened before it, not to the clock, so that the order is the same everywhere.
 */
import { Command } from "@effect/platform"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Console, Data, type Duration, Effect, Layer, Match, Stream } from "effect"
import {
  Healing,
  HealingQueue,
  type HealingRequest,
  HealingService,
  type HeldBy,
  OpenClaw,
  Reviewed,
  Reviewer
} from "effect-healing"
import { draw, type Event, isJob, type Segment, type State, segments, type Who } from "./draw.js"
import { Recording, screen } from "./recording.js"

/** In the current folder, which `npm start` makes the root of the repository. */
const FILE = ".healing/timeline.db"

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

/** What is done in a turn: here an AI would be asked. In the scenario X takes until Y waits, to show that Y does. */
const ReviewerLive = Layer.effect(
  Reviewer,
  Effect.gen(function* () {
    const recording = yield* Recording
    const node = yield* Effect.context<NodeContext.NodeContext>()
    const wasAsked = (job: string) =>
      Effect.map(recording.events, (events) =>
        events.some(({ who, state }) => who === `healing ${job}` && state === "asked")
      )
    const untilYWaits = Effect.whenEffect(recording.until("healing Y", "waiting"), wasAsked("X"))
    return {
      review: ({ job }) =>
        child(`healing ${job}`, job === "X" ? untilYWaits : Effect.void).pipe(
          Effect.as(Reviewed.Completed({ report: { summary: `${job} looks well` } })),
          Effect.provideService(Recording, recording),
          Effect.provide(node),
          Effect.orDie
        )
    }
  })
)

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
  yield* Console.log("\n OpenClaw jobs A and B, and healings of X and Y: jobs go first.\n")
  const left = yield* queue.pending
  yield* Effect.raceFirst(left.length === 0 ? scenario : goOn(left), recordWaits)
  yield* Console.log(`\n${draw(yield* events, yield* screen)}\n`)
  if (left.length === 0) yield* Console.log(` ${yield* prove(yield* events)}`)
  yield* Console.log(` The requests are in ${FILE}.\n`)
})

const Live = Healing.layerSqlite(FILE, { quietPeriod: "1 second" }).pipe(
  Layer.provide(ReviewerLive),
  Layer.provideMerge(Recording.Default),
  Layer.provideMerge(NodeContext.layer)
)

program.pipe(Effect.provide(Live), NodeRuntime.runMain)
