/**
 * An app of one's own with the API mounted below `/healing`: jobs come and go, some of them fail, and a stand-in reviews them. Everybody on
 * this machine may read; who knows the password may decide.
 *
 *     npm run example:dashboard
 *     curl http://127.0.0.1:9878/healing/status
 *     curl -N http://127.0.0.1:9878/healing/events
 *
 * `PORT` is another port. Ctrl-C ends it.
 */
import { randomBytes, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"
import { FileSystem, HttpApp, HttpRouter, HttpServer, HttpServerResponse, Path } from "@effect/platform"
import { NodeContext, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer, Random } from "effect"
import { Healing, HealingScheduler, JobRegistry, Reviewed, Reviewer } from "effect-healing"
import { type Access, HealingHttp } from "effect-healing/http"

const password = randomBytes(12).toString("hex")

/** An app has its own users: this one knows a single one. */
const authorize = (request: Request): Effect.Effect<Access> =>
  Effect.sync(() => {
    const given = Buffer.from(request.headers.get("authorization") ?? "")
    const wanted = Buffer.from(`Bearer ${password}`)
    const isAnna = given.length === wanted.length && timingSafeEqual(given, wanted)
    return isAnna ? { name: "anna", rights: "all" } : { name: "guest", rights: "read" }
  })

/** Stands for an AI, which would read the evidence: `OpenClawReviewer.layer()` of effect-healing/openclaw is one. */
const ReviewerLive = Layer.succeed(Reviewer, {
  review: ({ job }) =>
    Effect.as(
      Effect.sleep("3 seconds"),
      Reviewed.Completed({ report: { summary: `A stand-in, and no AI, has nothing to say about ${job}` } })
    )
})

/** Runs for some seconds, again and again. Every third run fails. */
const comeAndGo = (job: string) =>
  Effect.gen(function* () {
    const registry = yield* JobRegistry
    yield* Effect.sleep(`${yield* Random.nextIntBetween(3, 12)} seconds`)
    const runId = yield* registry.started(job)
    yield* Effect.sleep(`${yield* Random.nextIntBetween(2, 6)} seconds`)
    const fails = (yield* Random.nextIntBetween(0, 3)) === 0
    const lastError = fails ? `Error: ${job} has run out of mails` : null
    if (lastError !== null) yield* registry.print(job, `${lastError}\n`)
    yield* registry.ended(job, runId, { exitCode: fails ? 1 : 0, lastError })
  }).pipe(Effect.forever)

const JOBS = ["inbox", "nightly-digest", "weekly-report"]

const serve = (port: number) =>
  Effect.gen(function* () {
    const registry = yield* JobRegistry
    for (const id of JOBS) {
      yield* registry.add({ id, openClaw: true, policy: { cooldown: "30 seconds", triggers: ["failure"] } })
    }
    yield* (yield* HealingScheduler).refresh
    const handler = yield* HealingHttp.toWebHandler({ prefix: "/healing", authorize })
    const app = HttpRouter.empty.pipe(
      HttpRouter.get(
        "/",
        Effect.succeed(HttpServerResponse.text("This app has its API of effect-healing below /healing\n"))
      ),
      HttpRouter.mountApp("/healing", HttpApp.fromWebHandler(handler), { includePrefix: true })
    )
    yield* HttpServer.serveEffect(app)
    yield* Console.log(`The API is at http://127.0.0.1:${port}/healing, its docs at http://127.0.0.1:${port}/healing/docs
To decide: curl -X POST -H "Authorization: Bearer ${password}" http://127.0.0.1:${port}/healing/queue/pause`)
    yield* Effect.forEach(JOBS, (job) => Effect.forkScoped(comeAndGo(job)))
    return yield* Effect.never
  })

const main = Effect.gen(function* () {
  const port = yield* Config.withDefault(Config.port("PORT"), 9878)
  const folder = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped({ prefix: "effect-healing-dashboard-" })
  const HealingLive = Healing.layerSupervised({
    filename: (yield* Path.Path).join(folder, "healing.db"),
    reviewer: ReviewerLive
  }).pipe(Layer.provideMerge(JobRegistry.layer))
  const live = Layer.merge(HealingLive, NodeHttpServer.layer(createServer, { host: "127.0.0.1", port }))
  return yield* Effect.provide(serve(port), live)
}).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

NodeRuntime.runMain(main)
