/**
 * Everything at once: the jobs of your ProcClaw, those of this app, and your OpenClaw gateway if its token is there. A failure is reviewed when
 * none of them runs OpenClaw, by a stand-in that costs nothing. It goes on until Ctrl-C.
 *
 *     npx tsx examples/procclaw.ts [http://127.0.0.1:9876]
 *
 * `PROCCLAW_TOKEN` is the token of ProcClaw's API, if it has one, and `OPENCLAW_GATEWAY_TOKEN` that of the gateway.
 */
import { fileURLToPath } from "node:url"
import { NodeContext, NodeRuntime, NodeSocket } from "@effect/platform-node"
import { Console, Effect, HashMap, Layer, Redacted, Stream } from "effect"
import { Healing, HealingQueue, JobRegistry, OpenClaw, Supervisor } from "effect-healing"
import { OpenClawGateway, OpenClawReviewer } from "effect-healing/openclaw"
import { ProcClaw } from "effect-healing/procclaw"

const { OPENCLAW_GATEWAY_TOKEN, PROCCLAW_TOKEN } = process.env

const procclaw = ProcClaw.layer({
  url: process.argv[2],
  token: PROCCLAW_TOKEN === undefined ? undefined : Redacted.make(PROCCLAW_TOKEN)
})

const gateway = OpenClawGateway.layer().pipe(Layer.provide(NodeSocket.layerWebSocketConstructor))

// ProcClaw's jobs keep their names, and those of the others have a prefix. A gateway that is not there is unknown, and so it would hold reviews
// up for ever.
const SupervisorLive =
  OPENCLAW_GATEWAY_TOKEN === undefined
    ? Supervisor.merge({ "": procclaw, app: JobRegistry.layer })
    : Supervisor.merge({ "": procclaw, app: JobRegistry.layer, gateway })

const HealingLive = Healing.layerSupervised({
  filename: ".healing/procclaw.db",
  reviewer: OpenClawReviewer.layer({ command: fileURLToPath(new URL("standIn.mjs", import.meta.url)) })
}).pipe(Layer.provideMerge(SupervisorLive), Layer.provide(NodeContext.layer))

const time = () => new Date().toLocaleTimeString("sv-SE")

const say = (what: string) => Console.log(`${time()}  ${what}`)

const showWhatRuns = Effect.flatMap(OpenClaw, ({ running }) =>
  running.changes.pipe(
    Stream.map(({ jobs, unknown }) => {
      const sources = unknown.map(({ name, reason }) => `${name}: ${reason}`)
      if (sources.length > 0) return `unknown, and so busy: ${sources.join("; ")}`
      return HashMap.isEmpty(jobs) ? "nothing runs" : `runs: ${Array.from(HashMap.keys(jobs)).sort().join(", ")}`
    }),
    Stream.changes,
    Stream.runForEach(say)
  )
)

const showReviews = Effect.flatMap(HealingQueue, ({ events }) =>
  Stream.runForEach(events, (event) => {
    if (!("request" in event)) return Effect.void
    const { job, reason, report, state, triggers } = event.request
    if (event._tag === "Submitted") return say(`${job}: a review is wanted (${triggers.join(", ")})`)
    if (event._tag === "Started") return say(`${job}: the review begins`)
    return event._tag === "Ended" ? say(`${job}: the review is ${state}: ${report?.summary ?? reason}`) : Effect.void
  })
)

/** A job of this app, which fails once. */
const fail = Effect.gen(function* () {
  const registry = yield* JobRegistry
  yield* registry.add({ id: "report", command: "node report.js" })
  const run = yield* registry.started("report")
  yield* registry.print("report", "Error: ENOSPC, no space left on device\n")
  yield* registry.ended("report", run, { exitCode: 1 })
})

const program = Effect.gen(function* () {
  yield* Effect.forkScoped(showWhatRuns)
  yield* Effect.forkScoped(showReviews)
  yield* fail
  const { jobs } = yield* Supervisor
  const known = yield* Effect.retry(jobs, { times: 3 })
  for (const { id, kind, openClaw } of known) yield* say(`${id} (${kind}${openClaw ? ", runs OpenClaw" : ""})`)
  return yield* Effect.never
}).pipe(Effect.scoped, Effect.provide(HealingLive))

NodeRuntime.runMain(program)
