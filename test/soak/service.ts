/**
 * A service that never rests: jobs that run, fail and are due, limits, and wishes, on a SQLite file. `service.ts <file>`.
 *
 * It tells its parent which wishes are on disk, which requests have ended, and each second how it is.
 */
import { monitorEventLoopDelay } from "node:perf_hooks"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Clock, Duration, Effect, Layer, Logger, LogLevel, Queue, Random, Stream } from "effect"
import {
  Activity,
  Healing,
  HealingQueue,
  type JobEvent,
  type JobInfo,
  ReviewError,
  Reviewed,
  Reviewer,
  Supervisor
} from "effect-healing"

const JOBS = 200

const tell = (message: object) => Effect.sync(() => void process.send?.(message))

const jobs: ReadonlyArray<JobInfo> = Array.from({ length: JOBS }, (_, i) => ({
  id: `job ${i}`,
  kind: "process",
  openClaw: i % 10 === 0,
  policy: i % 10 === 1 ? { schedule: { cron: "*/10 * * * * *" } } : {}
}))

const someJob = Effect.map(Random.nextIntBetween(0, JOBS), (i) => `job ${i}`)

const SupervisorLive = Layer.effect(
  Supervisor,
  Effect.gen(function* () {
    const events = yield* Queue.sliding<JobEvent>(100)
    yield* Effect.gen(function* () {
      const [job, kind, runId] = yield* Effect.all([someJob, Random.nextIntBetween(0, 5), Random.nextInt])
      yield* Queue.offer(events, {
        job,
        trigger: "failure",
        runId: `${runId}`,
        exitCode: kind,
        lastError: `Error: ${kind}`
      })
      yield* Effect.sleep("30 millis")
    }).pipe(Effect.forever, Effect.forkDaemon)
    const activity = Stream.repeatEffect(
      Effect.zipRight(
        Effect.flatMap(Random.nextIntBetween(10, 200), (millis) => Effect.sleep(millis)),
        Effect.map(Random.nextIntBetween(0, 4), (n) => Activity.Known({ running: n === 0 ? ["job 0"] : [] }))
      )
    )
    return {
      jobs: Effect.succeed(jobs),
      activity: Stream.concat(Stream.succeed(Activity.Known({ running: [] })), activity),
      events: Stream.fromQueue(events),
      runs: Stream.never,
      evidence: () => Effect.succeed({ command: "node job.js", runs: [], slaBreaches: [], logs: [], files: [] })
    }
  })
)

const ReviewerLive = Layer.succeed(Reviewer, {
  review: ({ job }) =>
    Effect.gen(function* () {
      yield* Effect.sleep(yield* Random.nextIntBetween(1, 10))
      const dice = yield* Random.nextIntBetween(0, 100)
      if (dice < 2) {
        const until = (yield* Clock.currentTimeMillis) + 500
        return yield* new ReviewError({ job, reason: "429", retry: { _tag: "RateLimited", until } })
      }
      if (dice < 8) return yield* new ReviewError({ job, reason: "no luck", retry: { _tag: "Never" } })
      if (dice < 10) return yield* Effect.dieMessage("broken")
      if (dice < 15) return Reviewed.Skipped({ reason: "nothing to see" })
      return Reviewed.Completed({ report: { summary: "x".repeat(2000) } })
    })
})

const wish = Effect.gen(function* () {
  const queue = yield* HealingQueue
  const { id } = yield* queue.submit({ job: yield* someJob, note: "by hand" })
  yield* tell({ acknowledged: id })
}).pipe(Effect.ignore)

const report = Effect.gen(function* () {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  return yield* Effect.gen(function* () {
    yield* Effect.sleep("1 second")
    const { healthy } = yield* Healing.health
    const memory = process.memoryUsage()
    yield* tell({
      sample: {
        rss: memory.rss,
        heap: memory.heapUsed,
        handles: process.getActiveResourcesInfo().length,
        delay: delay.percentile(99) / 1e6,
        healthy
      }
    })
    delay.reset()
  }).pipe(Effect.forever)
})

const [file = "healing.db"] = process.argv.slice(2)

const live = Healing.layerSupervised({
  filename: file,
  settings: {
    quietPeriod: "1 milli",
    cooldown: "1 second",
    maxReviewsPerDay: 10_000_000,
    retention: "20 seconds",
    reviewTimeout: "10 seconds"
  }
}).pipe(Layer.provide([SupervisorLive, ReviewerLive, NodeContext.layer]))

const program = Effect.gen(function* () {
  const queue = yield* HealingQueue
  yield* Effect.forkScoped(
    Stream.runForEach(queue.events, (event) =>
      event._tag === "Ended" ? tell({ ended: event.request.id }) : Effect.void
    )
  )
  yield* Effect.forkScoped(report)
  return yield* Effect.forever(Effect.zipRight(wish, Effect.sleep(Duration.millis(20))))
}).pipe(Effect.scoped, Effect.provide(live), Logger.withMinimumLogLevel(LogLevel.Fatal))

NodeRuntime.runMain(program)
