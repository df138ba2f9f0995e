/**
 * A process that wishes for reviews, and reviews, until it is killed. It reports over the pipe 3, one line for each thing
 * that has happened, which is written before anything else happens.
 */
import { readSync, writeSync } from "node:fs"
// By their own paths, so that the bundle has nothing else of these packages.
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import {
  HealingConfig,
  HealingQueue,
  HealingService,
  HealingStore,
  type HealingStoreError,
  type HealingWish,
  OpenClaw,
  ReviewError,
  Reviewed,
  Reviewer,
  type Suggestion
} from "../../src/index.js"
import { changeClock } from "../support/changeClock.js"
import type { End, Line, Orders } from "./Ledger.js"

const orders: Orders = JSON.parse(process.argv[2] ?? "")

const JOBS = Array.from({ length: 20 }, (_, i) => `job-${i}`)

const HOT = "job-0"

const TRIGGERS = ["manual", "failure", "sla_breach", "schedule", "gut feeling"]

let lines = 0

const say = (line: Line): void => {
  writeSync(3, `${JSON.stringify(line)}\n`)
  if (++lines === orders.dieAfter) process.kill(process.pid, "SIGKILL")
}

const saying = (line: Line) => Effect.sync(() => say(line))

const upTo = (most: number) => Random.nextIntBetween(0, most + 1)

const oneOf = <A>(all: ReadonlyArray<A>) => Effect.map(upTo(all.length - 1), (i) => all[i] as A)

const rounds = (most: number) =>
  Effect.flatMap(upTo(most), (n) => Effect.forEach(Array(n), () => Effect.yieldNow(), { discard: true }))

/** Fibers that never wait for the event loop keep all timers from going off. */
const turn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

const anyOf = <A, E, R>(...all: ReadonlyArray<Effect.Effect<A, E, R>>) => Effect.flatten(oneOf(all))

const millis = (most: number) => Effect.flatMap(upTo(most), (n) => Effect.sleep(n))

// -----------------------------------------------------------------------------
// Reviews
// -----------------------------------------------------------------------------

const failing = (job: string, retry: ReviewError["retry"]) => new ReviewError({ job, reason: "as chance would", retry })

const outcome = (job: string) =>
  Effect.flatMap(upTo(99), (chance): Effect.Effect<Reviewed, ReviewError> => {
    if (chance < 5) return Effect.die(new Error("as chance would"))
    if (chance < 15) return failing(job, { _tag: "Backoff" })
    if (chance < 20) return failing(job, { _tag: "Never" })
    if (chance < 23) {
      return Effect.flatMap(Effect.clock, (clock) =>
        Effect.fail(failing(job, { _tag: "RateLimited", until: clock.unsafeCurrentTimeMillis() + 50 }))
      )
    }
    if (chance < 30) return Effect.succeed(Reviewed.Skipped({ reason: "as chance would" }))
    return Effect.succeed(Reviewed.Completed({ report: { summary: `${job} looks well`, suggestions: [suggestion] } }))
  })

const suggestion: Suggestion = {
  category: "script",
  severity: "low",
  title: "Something else",
  description: "Because.",
  currentState: null,
  change: "All of it.",
  expectedImpact: null,
  targetFile: "/srv/job.js",
  proposedContent: "exit 0",
  fileHash: null
}

const work = anyOf(Effect.void, rounds(30), millis(3), millis(3))

const howEnded = (exit: Exit.Exit<Reviewed, ReviewError>): End => {
  if (Exit.isSuccess(exit)) return exit.value._tag === "Completed" ? "completed" : "skipped"
  if (Cause.isInterrupted(exit.cause)) return "interrupted"
  const error = Option.getOrUndefined(Cause.failureOption(exit.cause))
  return error?.retry._tag === "RateLimited" ? "limited" : "failed"
}

const ReviewerLive = Layer.succeed(Reviewer, {
  review: ({ attempts, id, job }) =>
    Effect.acquireUseRelease(
      saying({ _tag: "Begins", id, attempts }),
      () => Effect.zipRight(work, outcome(job)),
      (_, exit) => saying({ _tag: "Ends", id, how: howEnded(exit) })
    )
})

// -----------------------------------------------------------------------------
// Wishes
// -----------------------------------------------------------------------------

const anyWish: Effect.Effect<HealingWish & { readonly trigger: string; readonly priority: number }> = Effect.all({
  // One of them often, so that much happens to it at the same time.
  job: anyOf(oneOf(JOBS), Effect.succeed(HOT)),
  trigger: oneOf(TRIGGERS),
  priority: Effect.map(upTo(20), (n) => -1 - n),
  runId: Effect.map(upTo(9), (n) => (n === 0 ? undefined : String(n))),
  note: Effect.map(upTo(9), (n) => (n < 5 ? undefined : "note ".repeat(n)))
})

const unlessClosed = (error: { readonly _tag: string; readonly message: string } | HealingStoreError) =>
  "reason" in error && error.reason === "Closed"
    ? Effect.never
    : saying({ _tag: "Wrong", what: `${error._tag}: ${error.message}` })

// In every other life who submits never waits for the event loop, so that wishes come between any two steps of a turn; in
// the rest there is time for all else.
const isPatient = orders.seed % 2 === 0

const submits = Effect.gen(function* () {
  const queue = yield* HealingQueue
  yield* anyOf(Effect.void, rounds(5), isPatient ? turn : Effect.void)
  const wish = yield* anyWish
  const since = lines
  const { _tag, id } = yield* queue.submit(wish)
  say({ _tag: "Submitted", id, joined: _tag === "Coalesced", since, trigger: wish.trigger, priority: wish.priority })
}).pipe(Effect.catchAll(unlessClosed))

const heals = Effect.gen(function* () {
  const queue = yield* HealingQueue
  const wish = yield* anyWish
  const maxWait = yield* oneOf([undefined, "2 millis" as const, 0])
  const fiber = yield* queue.heal({ ...wish, maxWait }).pipe(
    Effect.tap(({ id }) => saying({ _tag: "Healed", id })),
    Effect.catchTags({
      HealingStoreError: unlessClosed,
      HealingInvalid: unlessClosed,
      HealingQueueFull: unlessClosed,
      HealingDeadlock: unlessClosed
    }),
    Effect.fork
  )
  yield* anyOf(rounds(20), millis(5))
  yield* anyOf(Fiber.interrupt(fiber), Fiber.await(fiber))
})

const cancels = Effect.gen(function* () {
  const queue = yield* HealingQueue
  yield* millis(10)
  const requests = yield* Effect.flatMap(oneOf(JOBS), (job) => queue.cancel({ job }))
  for (const { id } of requests) say({ _tag: "Cancelled", id })
}).pipe(Effect.catchAll(unlessClosed))

const resumes = Effect.gen(function* () {
  const queue = yield* HealingQueue
  say({ _tag: "Resuming" })
  yield* queue.resume
}).pipe(Effect.catchAll(unlessClosed))

const pauses = Effect.gen(function* () {
  const queue = yield* HealingQueue
  yield* millis(3)
  yield* resumes
  yield* millis(50)
  yield* queue.pause
  say({ _tag: "Paused" })
}).pipe(Effect.catchAll(unlessClosed))

const runsJobs = Effect.gen(function* () {
  const openClaw = yield* OpenClaw
  yield* millis(15)
  yield* openClaw.withJob("openclaw-job")(anyOf(rounds(5), millis(2)))
})

const wishes = Effect.all(
  [submits, submits, submits, heals, heals, cancels, pauses, runsJobs].map(
    (one: Effect.Effect<void, never, HealingQueue | OpenClaw>) => Effect.forever(one)
  ),
  { concurrency: "unbounded", discard: true }
)

const drains = Effect.gen(function* () {
  const queue = yield* HealingQueue
  yield* resumes
  yield* Effect.repeat(queue.pending, { until: (left) => left.length === 0, schedule: Schedule.spaced(1) })
})

// -----------------------------------------------------------------------------
// A life
// -----------------------------------------------------------------------------

const reports = Effect.flatMap(HealingQueue, ({ events }) =>
  Stream.runForEach(events, (event) => {
    switch (event._tag) {
      case "Ended":
        return saying({ _tag: "Ended", id: event.request.id, state: event.request.state })
      case "SetAside":
      case "StoreFailing":
        return saying({ _tag: "Wrong", what: `${event._tag}: ${event.reason}` })
      default:
        return Effect.void
    }
  })
)

const life = Effect.gen(function* () {
  const queue = yield* HealingQueue
  yield* Effect.forkScoped(reports)
  const left = yield* queue.pending
  say({ _tag: "Ready", left: left.length })
  yield* orders.task === "drain" ? drains : wishes
}).pipe(Effect.scoped)

// A bug of the queue, which it reports itself.
const LoggerLive = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ logLevel, message }) => {
    if (LogLevel.greaterThanEqual(logLevel, LogLevel.Fatal)) say({ _tag: "Wrong", what: String(message) })
  })
)

/** The one before is dead, so that it needs no time to notice that it has lost the database. */
const withoutWaiting = <A, E, R>(layer: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
  Layer.scopedContext(
    Effect.flatMap(Effect.clock, (clock) =>
      Effect.withClock(
        Layer.build(layer),
        changeClock(clock, {
          sleep: (duration) => (Duration.equals(duration, Duration.seconds(3)) ? Effect.void : clock.sleep(duration))
        })
      )
    )
  )

const StoreLive = orders.store.startsWith("postgres:")
  ? Layer.provide(
      withoutWaiting(HealingStore.layerSql),
      PgClient.layer({ url: Redacted.make(orders.store), maxConnections: 3 })
    )
  : HealingStore.layerSqlite(orders.store)

const HealingLive = HealingQueue.layerRetry(Schedule.spaced(1)).pipe(
  Layer.provideMerge(StoreLive),
  Layer.provideMerge(HealingService.layer),
  Layer.provideMerge(OpenClaw.layer),
  Layer.provideMerge(
    HealingConfig.layer({ ...orders.settings, quietPeriod: 0, cooldown: 0, maxReviewsPerDay: 1_000_000 })
  ),
  Layer.provide([ReviewerLive, NodeContext.layer]),
  Layer.provideMerge(LoggerLive)
)

// All is loaded: it lives when it is told to, unless who would tell it is gone.
if (readSync(0, Buffer.alloc(1)) === 1) {
  say({ _tag: "Opening" })
  life.pipe(Effect.provide(HealingLive), Effect.withRandom(Random.make(orders.seed)), NodeRuntime.runMain)
}
