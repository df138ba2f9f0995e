/** A process that has jobs reviewed and tells of it, until it is killed. */
// By their own paths, so that the bundle has nothing else of these packages.
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { Healing, HealingQueue, JobRegistry, Reviewed, Reviewer } from "../../src/index.js"

/** `isLast`: whether it only tells what is still to be told, and prints what has ended. */
const { file, isLast, url }: { file: string; url: string; isLast: boolean } = JSON.parse(process.argv[2] ?? "")

const ReviewerLive = Layer.succeed(Reviewer, {
  review: () => Effect.succeed(Reviewed.Completed({ report: { summary: "all is well" } }))
})

const Live = Healing.layerSupervised({
  filename: file,
  settings: { quietPeriod: 0, notify: { maxPerHour: 1_000_000, channels: { hook: { type: "webhook", url } } } }
}).pipe(Layer.provide([ReviewerLive, JobRegistry.layer, NodeContext.layer]))

/** Reviews that take no time would leave the event loop no time for anything else. */
const turn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

const wish = Effect.gen(function* () {
  const queue = yield* HealingQueue
  for (let index = 0; ; index++) {
    yield* turn
    yield* queue.heal({ job: `job-${index % 3}`, trigger: "manual", maxWait: "1 minute" })
  }
})

const tell = Effect.gen(function* () {
  const queue = yield* HealingQueue
  const ended = yield* queue.history({ states: ["completed"], limit: 1000 })
  process.stdout.write(`${JSON.stringify(ended.map(({ id }) => id))}\n`)
  return yield* Effect.never
})

// The test reads stdout, and expects the warning that a review was cut off: only errors are logged, to stderr.
const LoggerLive = Layer.merge(
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)),
  Logger.minimumLogLevel(LogLevel.Error)
)

NodeRuntime.runMain((isLast ? tell : wish).pipe(Effect.provide(Layer.provideMerge(Live, LoggerLive))), {
  disablePrettyLogger: true
})
