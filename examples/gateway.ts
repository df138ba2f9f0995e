/**
 * Your OpenClaw gateway as a source of the running state: a review waits until nothing runs there, whoever started it. It shows what the
 * gateway does until Ctrl-C, and what becomes of its cron jobs.
 *
 *     OPENCLAW_GATEWAY_TOKEN=... npx tsx examples/gateway.ts [ws://127.0.0.1:18789]
 */
import { NodeRuntime, NodeSocket } from "@effect/platform-node"
import { Console, Effect, HashMap, Layer, Stream } from "effect"
import { Healing, HealingService, OpenClaw, Supervisor } from "effect-healing"
import { OpenClawGateway } from "effect-healing/openclaw"

const url = process.argv[2]

const SupervisorLive = OpenClawGateway.layer({ url }).pipe(Layer.provide(NodeSocket.layerWebSocketConstructor))

// The gate, and what the gateway tells: unknown, and thereby busy, until it has said that it has nothing to do.
const HealingLive = Supervisor.layerActivity.pipe(
  Layer.provideMerge(SupervisorLive),
  Layer.provideMerge(Healing.layer({ settings: { onJobStart: "yield" } }))
)

const time = () => new Date().toLocaleTimeString("sv-SE")

const showWhatRuns = Effect.flatMap(OpenClaw, ({ running }) =>
  running.changes.pipe(
    Stream.map(({ jobs, unknown }) => {
      const [source] = unknown
      if (source !== undefined) return `unknown, and so busy: ${source.reason}`
      return HashMap.isEmpty(jobs) ? "nothing runs" : `runs: ${Array.from(HashMap.keys(jobs)).join(", ")}`
    }),
    Stream.changes,
    Stream.runForEach((line) => Console.log(`${time()}  gateway  ${line}`))
  )
)

const showCronJobs = Effect.flatMap(Supervisor, ({ events, runs }) =>
  Effect.all(
    [
      Stream.runForEach(runs, (run) =>
        Console.log(`${time()}  cron     ${run.job} ${run._tag === "Started" ? "starts" : `has ${run.outcome}`}`)
      ),
      Stream.runForEach(events, ({ job, lastError }) =>
        Console.log(`${time()}  cron     ${job} is worth a review: ${lastError ?? "it does not say why"}`)
      )
    ],
    { concurrency: "unbounded" }
  )
)

/** Stands for a review: it takes five seconds, and begins anew after a job that starts meanwhile. */
const review = Effect.gen(function* () {
  yield* Console.log(`${time()}  review   begins`)
  yield* Effect.sleep("5 seconds")
  yield* Console.log(`${time()}  review   is done`)
})

const program = Effect.gen(function* () {
  const healing = yield* HealingService
  yield* Effect.forkScoped(showWhatRuns)
  yield* Effect.forkScoped(showCronJobs)
  yield* Console.log(`${time()}  review   waits for its turn`)
  yield* healing.run("weekly-report", { maxWait: "1 hour" })(review)
  yield* Console.log("Ctrl-C ends this.")
  return yield* Effect.never
}).pipe(Effect.scoped, Effect.provide(HealingLive))

NodeRuntime.runMain(program)
