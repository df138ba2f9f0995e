/**
 * Traces and metrics of jobs and their reviews, sent to an OpenTelemetry collector: until it is stopped with Ctrl+C.
 *
 *     npm install @effect/opentelemetry@0.64
 *     OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 npx tsx examples/otel.ts
 *
 * The collector is any that takes OTLP over HTTP. `otel.dashboard.json` shows the metrics in Grafana, from Prometheus or what speaks its
 * language. In the traces no `HealingService.run` begins before the `run` of each of these jobs has ended: both call OpenClaw.
 *
 * Reviews are done by a stand-in for OpenClaw, which costs nothing.
 */
import { fileURLToPath } from "node:url"
import { OtlpMetrics, OtlpSerialization, OtlpTracer } from "@effect/opentelemetry"
import { Command, FetchHttpClient } from "@effect/platform"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer, Stream } from "effect"
import { Healing, HealingQueue, JobRegistry, type RegisteredJob } from "effect-healing"
import { OpenClawReviewer } from "effect-healing/openclaw"

const jobs = {
  digest: {
    openClaw: true,
    policy: { schedule: { cron: "*/15 * * * * *" }, minRuns: 1, cooldown: "1 second" },
    script: `setTimeout(() => console.log("digest: sent"), 1000)`
  },
  inbox: {
    openClaw: true,
    policy: { triggers: ["failure"], cooldown: "5 seconds" },
    script: `const errors = ["429 Too Many Requests", "connect ECONNREFUSED 127.0.0.1:993", "ENOSPC: no space left on device"]
      setTimeout(() => { throw new Error(errors[Math.floor(Math.random() * errors.length)]) }, 500)`
  }
} satisfies Record<string, Pick<RegisteredJob, "openClaw" | "policy"> & { readonly script: string }>

type Name = keyof typeof jobs

/** One run of a job, a span of its own. */
const runOnce = (name: Name) =>
  Effect.gen(function* () {
    const registry = yield* JobRegistry
    const runId = yield* registry.started(name)
    const child = yield* Command.start(Command.make(process.execPath, "-e", jobs[name].script))
    const print = Stream.merge(Stream.decodeText(child.stdout), Stream.decodeText(child.stderr)).pipe(
      Stream.runForEach((text) => registry.print(name, text))
    )
    const [exitCode] = yield* Effect.all([child.exitCode, print], { concurrency: "unbounded" })
    yield* registry.ended(name, runId, { exitCode })
    yield* Effect.annotateCurrentSpan("exit_code", exitCode)
  }).pipe(Effect.scoped, Effect.withSpan("run", { root: true, attributes: { job: name } }))

/** Runs it again and again. */
const supervise = (name: Name) =>
  Effect.gen(function* () {
    const { openClaw, policy } = jobs[name]
    const { add } = yield* JobRegistry
    yield* add({ id: name, openClaw, policy, command: "node" })
    return yield* Effect.forever(Effect.zipRight(runOnce(name), Effect.sleep("3 seconds")))
  })

const tell = Effect.gen(function* () {
  const { events } = yield* HealingQueue
  yield* events.pipe(
    Stream.runForEach((event) =>
      event._tag === "Ended" ? Console.log(`${event.request.job}: ${event.request.state}`) : Effect.void
    )
  )
})

/** Both are sent every few seconds, and once more at the end. */
const TelemetryLive = Layer.unwrapEffect(
  Effect.gen(function* () {
    const endpoint = yield* Config.string("OTEL_EXPORTER_OTLP_ENDPOINT").pipe(
      Config.withDefault("http://localhost:4318")
    )
    yield* Console.log(`Traces and metrics go to ${endpoint}. Stop with Ctrl+C.\n`)
    const resource = { serviceName: "effect-healing-example" }
    return Layer.merge(
      OtlpMetrics.layer({ url: `${endpoint}/v1/metrics`, resource, exportInterval: "5 seconds" }),
      OtlpTracer.layer({ url: `${endpoint}/v1/traces`, resource })
    )
  })
).pipe(Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer]))

const HealingLive = Healing.layerSupervised({
  filename: ".healing/otel.db",
  settings: { quietPeriod: "200 millis" },
  reviewer: OpenClawReviewer.layer({ command: fileURLToPath(new URL("standIn.mjs", import.meta.url)) })
})

// What is sent is built first and closed last, so that it hears of everything.
const Live = HealingLive.pipe(
  Layer.provideMerge(JobRegistry.layer),
  Layer.provideMerge(TelemetryLive),
  Layer.provideMerge(NodeContext.layer)
)

Effect.all([tell, supervise("digest"), supervise("inbox")], { concurrency: "unbounded" }).pipe(
  Effect.provide(Live),
  NodeRuntime.runMain
)
