/**
 * An app of one's own with the API and its page mounted below `/healing`: jobs come and go, some of them fail, and a stand-in reviews them and
 * suggests how to mend them. Everybody on this machine may look; who has come in by the link may decide.
 *
 *     npm run example:dashboard
 *     curl http://127.0.0.1:9878/healing/status
 *     curl -N http://127.0.0.1:9878/healing/events
 *
 * `PORT` is another port. Ctrl-C ends it.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { FileSystem, HttpApp, HttpRouter, HttpServer, HttpServerResponse, Path } from "@effect/platform"
import { NodeContext, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer, Random } from "effect"
import { Healing, HealingScheduler, JobRegistry, Reviewed, Reviewer, type Suggestion } from "effect-healing"
import { type Access, HealingHttp } from "effect-healing/http"

const password = randomBytes(12).toString("hex")

const COOKIE = "dashboard"

/** What a browser or a script sends. */
const given = ({ headers }: Request): string => {
  const [, bearer] = /^Bearer (.+)$/.exec(headers.get("authorization") ?? "") ?? []
  const [, cookie] = new RegExp(`(?:^|; )${COOKIE}=(\\w+)`).exec(headers.get("cookie") ?? "") ?? []
  return bearer ?? cookie ?? ""
}

const isPassword = (text: string): boolean => {
  const hash = (text: string) => createHash("sha256").update(text).digest()
  return timingSafeEqual(hash(text), hash(password))
}

/** An app has its own users: this one knows a single one. */
const authorize = (request: Request): Effect.Effect<Access> =>
  Effect.sync(() => (isPassword(given(request)) ? { name: "anna", rights: "all" } : { name: "guest", rights: "read" }))

/** The way in, after which the browser comes with a cookie. */
const enter = Effect.gen(function* () {
  const { password: said = "" } = yield* HttpRouter.params
  const page = HttpServerResponse.redirect("/healing/page", { status: 303 })
  if (!isPassword(said)) return page
  const options = { httpOnly: true, sameSite: "strict", path: "/" } as const
  return yield* Effect.orDie(HttpServerResponse.setCookie(page, COOKIE, password, options))
})

/** The script of a job, which has no room for all mails at once. */
const scriptOf = (mails: number | "all") => `# How many mails are read at once
MAILS=${mails}
exec read-mails --at-once "$MAILS"
`

const better: Omit<Suggestion, "targetFile" | "fileHash"> = {
  category: "script",
  severity: "high",
  title: "Read a hundred mails at once",
  description: "The log ends with `out of memory` while the mails are read.",
  currentState: "All of them are read at once.",
  change: "Set `MAILS` to 100.",
  expectedImpact: "The job needs a tenth of the memory.",
  proposedContent: scriptOf(100)
}

/** Stands for an AI, which would read the evidence: `OpenClawReviewer.layer()` of effect-healing/openclaw is one. */
const reviewer = (fileOf: (job: string) => string) =>
  Layer.succeed(Reviewer, {
    review: ({ job }) =>
      Effect.gen(function* () {
        yield* Effect.sleep("3 seconds")
        const targetFile = fileOf(job)
        const content = readFileSync(targetFile)
        const fileHash = `sha256:${createHash("sha256").update(content).digest("hex")}`
        const isBetter = content.equals(Buffer.from(scriptOf(100)))
        return Reviewed.Completed({
          report: {
            summary: isBetter ? `${job} reads a hundred mails at once.` : `${job} has no room for all mails at once.`,
            suggestions: isBetter ? [] : [{ ...better, targetFile, fileHash }],
            model: "a stand-in, and no AI"
          }
        })
      })
  })

/** Runs for some seconds, again and again. As long as it reads all mails at once, every third run fails. */
const comeAndGo = (job: string, file: string) =>
  Effect.gen(function* () {
    const registry = yield* JobRegistry
    yield* Effect.sleep(`${yield* Random.nextIntBetween(3, 12)} seconds`)
    const runId = yield* registry.started(job)
    yield* Effect.sleep(`${yield* Random.nextIntBetween(2, 6)} seconds`)
    const fails = (yield* Random.nextIntBetween(0, 3)) === 0 && readFileSync(file, "utf8") === scriptOf("all")
    const lastError = fails ? "Error: out of memory" : null
    if (lastError !== null) yield* registry.print(job, `reading all mails\n${lastError}\n`)
    yield* registry.ended(job, runId, { exitCode: fails ? 1 : 0, lastError })
  }).pipe(Effect.forever)

const JOBS = ["inbox", "nightly-digest", "weekly-report"]

const serve = (port: number, fileOf: (job: string) => string) =>
  Effect.gen(function* () {
    const registry = yield* JobRegistry
    for (const id of JOBS) {
      const files = [{ path: fileOf(id), role: "script" }] as const
      yield* registry.add({ id, openClaw: true, files, policy: { cooldown: "30 seconds", triggers: ["failure"] } })
    }
    yield* (yield* HealingScheduler).refresh
    const handler = yield* HealingHttp.toWebHandler({ prefix: "/healing", authorize })
    const app = HttpRouter.empty.pipe(
      HttpRouter.get("/", Effect.succeed(HttpServerResponse.redirect("/healing/page"))),
      HttpRouter.get("/enter/:password", enter),
      HttpRouter.mountApp("/healing", HttpApp.fromWebHandler(handler), { includePrefix: true })
    )
    yield* HttpServer.serveEffect(app)
    const url = `http://127.0.0.1:${port}`
    yield* Console.log(`The page is at ${url}/healing/page, the docs of its API at ${url}/healing/docs
To decide, come in by ${url}/enter/${password}
or from a script: curl -X POST -H "Authorization: Bearer ${password}" ${url}/healing/queue/pause`)
    yield* Effect.forEach(JOBS, (job) => Effect.forkScoped(comeAndGo(job, fileOf(job))))
    return yield* Effect.never
  })

const main = Effect.gen(function* () {
  const port = yield* Config.withDefault(Config.port("PORT"), 9878)
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* Effect.flatMap(fs.makeTempDirectoryScoped({ prefix: "effect-healing-dashboard-" }), fs.realPath)
  const root = path.join(folder, "jobs")
  const fileOf = (job: string) => path.join(root, `${job}.sh`)
  yield* fs.makeDirectory(root)
  yield* Effect.forEach(JOBS, (job) => fs.writeFileString(fileOf(job), scriptOf("all")))
  const HealingLive = Healing.layerSupervised({
    filename: path.join(folder, "healing.db"),
    // Changes are watched for a minute here, so that somebody sees how it goes on.
    settings: { suggestions: { allowedRoots: [root], asRoot: process.getuid?.() === 0, watchFor: "1 minute" } },
    reviewer: reviewer(fileOf)
  }).pipe(Layer.provideMerge(JobRegistry.layer))
  const live = Layer.merge(HealingLive, NodeHttpServer.layer(createServer, { host: "127.0.0.1", port }))
  return yield* Effect.provide(serve(port, fileOf), live)
}).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

NodeRuntime.runMain(main)
