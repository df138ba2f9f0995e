/**
 * The examples, as a person runs them, most of them with time that goes faster: in processes of their own, with real processes
 * for jobs and reviews.
 */
import { readFile } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { Command, FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Option, Schema, Stream } from "effect"
import { draw, type Event, line, segments } from "../examples/draw.js"
import { makeGateway } from "./openclaw/gateway/makeGateway.js"
import { makeProcClaw } from "./procclaw/makeProcClaw.js"
import { isFull } from "./support/property.js"

const root = fileURLToPath(new URL("..", import.meta.url))

const emptyFolder = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped()).pipe(
  Effect.provide(NodeContext.layer)
)

const text = <E>(bytes: Stream.Stream<Uint8Array, E>) => bytes.pipe(Stream.decodeText(), Stream.mkString)

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href

/** With time that goes faster; with the usual one for what gives up after a minute. */
const pace = {
  timeline: true,
  proactive: true,
  supervisor: false,
  otel: true,
  approve: false,
  dashboard: false,
  gateway: false,
  procclaw: false
}

const start = (
  example: keyof typeof pace,
  folder: string,
  env: Readonly<Record<string, string>> = {},
  args: ReadonlyArray<string> = []
) =>
  Command.make(process.execPath, "--import", tsx, join(root, `examples/${example}.ts`), ...args).pipe(
    Command.workingDirectory(folder),
    Command.env({
      ...env,
      // Which it would look for in that folder.
      TSX_TSCONFIG_PATH: join(root, "tsconfig.json"),
      ...(pace[example] && { NODE_OPTIONS: `--import=${new URL("support/pace.mjs", import.meta.url).href}` })
    }),
    Command.start
  )

/** An example that takes so long has stopped, and is ended to see what it has printed. */
const STOPPED_AFTER = "4 minutes"

/** Runs an example without a terminal, and fails with all that it has printed if it does not exit with 0. */
const run = (example: keyof typeof pace, folder = root) =>
  Effect.gen(function* () {
    const child = yield* start(example, folder)
    yield* Effect.forkScoped(Effect.delay(Effect.ignore(child.kill("SIGKILL")), STOPPED_AFTER))
    const { exitCode, stderr, stdout } = yield* Effect.all(
      { exitCode: Effect.option(child.exitCode), stderr: text(child.stderr), stdout: text(child.stdout) },
      { concurrency: "unbounded" }
    )
    expect(exitCode, stdout + stderr).toEqual(Option.some(0))
    return { stderr, stdout }
  }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

/** A port that nobody has, a moment ago. */
const freePort = Effect.async<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(address !== null && typeof address === "object" ? address.port : 0)))
  })
})

/** What stands where something runs or waits in a row of the drawing. */
const rowOf = (stdout: string, who: string): string => {
  const row = stdout.split("\n").find((line) => /[█░·]{3}/.test(line) && line.startsWith(` ${who} `))
  expect(row, `the row of ${who}`).toBeDefined()
  return row ?? ""
}

describe.concurrent("approve", () => {
  const answering = (input: string, ...args: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const files = [join(root, "examples/approve.ts"), ...args]
      const command = Command.make(process.execPath, "--import", tsx, ...files).pipe(
        Command.workingDirectory(yield* emptyFolder),
        Command.env({ TSX_TSCONFIG_PATH: join(root, "tsconfig.json") }),
        Command.feed(input)
      )
      return yield* Command.string(command)
    }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

  it.live.runIf(isFull)("shows a change, applies it when it is told to, and shows that it helps", () =>
    Effect.gen(function* () {
      const stdout = yield* answering("y\n")
      expect(stdout).toContain("-const mails = undefined\n+const mails = []\n")
      expect(stdout).not.toContain("FAILED")
      expect(stdout.match(/^nightly-digest ends with 0: digest: sent$/gm)).toHaveLength(3)
      expect(stdout).toContain("The change is confirmed: 3 good runs")
    })
  )

  it.live.runIf(isFull)("takes back what does not help, and changes nothing without a yes", () =>
    Effect.gen(function* () {
      const relapsed = yield* answering("y\n", "--relapse")
      expect(relapsed).toMatch(/^The change is relapsed: the run .* has failed for the cause/m)
      expect(relapsed).toContain("It is taken back: the script is as it was.")
      expect(yield* answering("n\n")).toContain("It is rejected, and nothing was changed.")
    })
  )
})

describe.concurrent("dashboard", () => {
  it.live.runIf(isFull)("has the API in an app of its own, in which its users have their rights", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const child = yield* start("dashboard", yield* emptyFolder, { PORT: String(port) })
      const printed = yield* child.stdout.pipe(
        Stream.decodeText(),
        Stream.takeUntil((text) => text.includes("Bearer")),
        Stream.mkString
      )
      const [, token = ""] = /Bearer (\w+)/.exec(printed) ?? []
      const ask = (path: string, init: RequestInit = {}) =>
        Effect.promise(() => fetch(`http://127.0.0.1:${port}/healing${path}`, init))
      const json = (path: string) => Effect.flatMap(ask(path), (response) => Effect.promise(() => response.json()))
      const jobs = yield* json("/jobs")
      expect(jobs).toHaveLength(3)
      expect((yield* ask("/queue/pause", { method: "POST" })).status).toBe(403)
      const headers = { authorization: `Bearer ${token}` }
      expect((yield* ask("/queue/pause", { method: "POST", headers })).status).toBe(204)
      const status = yield* json("/status")
      expect(status).toMatchObject({ holds: [{ _tag: "Paused" }] })
      // A browser comes in by the link, and has a cookie from then on.
      const enter = (password: string) =>
        Effect.promise(() => fetch(`http://127.0.0.1:${port}/enter/${password}`, { redirect: "manual" }))
      const [cookie = ""] = (yield* enter(token)).headers.getSetCookie()
      expect(cookie).toMatch(/; HttpOnly; SameSite=Strict/)
      expect((yield* enter("guess")).headers.getSetCookie()).toEqual([])
      const resume = { method: "POST", headers: { cookie: cookie.split(";")[0] ?? "" } }
      expect((yield* ask("/queue/resume", resume)).status).toBe(204)
      expect((yield* ask("/page")).headers.get("content-type")).toContain("text/html")
      expect((yield* ask("/docs")).status).toBe(200)
      yield* child.kill("SIGINT")
      yield* child.exitCode
    }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))
  )
})

describe.concurrent("gateway", () => {
  it.live.runIf(isFull)("shows what a gateway does, and has a review wait for it", () =>
    Effect.gen(function* () {
      const gateway = yield* makeGateway
      const child = yield* start("gateway", yield* emptyFolder, { OPENCLAW_GATEWAY_TOKEN: "token-7" }, [gateway.url])
      const printed = yield* child.stdout.pipe(
        Stream.decodeText(),
        Stream.scan("", (before, text) => before + text),
        Stream.tap((all) => {
          if (!/begins\n/.test(all) || all.includes("gateway  runs")) return Effect.void
          return Effect.sync(() =>
            gateway.tell("cron", { jobId: "1", action: "started", runAtMs: 1, job: { name: "inbox" } })
          )
        }),
        Stream.takeUntil((all) => all.includes("is done")),
        Stream.runLast
      )
      const told = Option.getOrElse(printed, () => "").match(/(?:gateway|review|cron) .*/g) ?? []
      expect(told.filter((line) => !line.includes("unknown"))).toEqual([
        "review   waits for its turn",
        "gateway  nothing runs",
        "review   begins",
        "cron     openclaw cron: inbox starts",
        "gateway  runs: openclaw cron: inbox",
        "gateway  nothing runs",
        "review   begins",
        "review   is done"
      ])
      expect(gateway.asked[0]?.params).toMatchObject({ auth: { token: "token-7" } })
      yield* child.kill("SIGINT")
    }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))
  )
})

describe.concurrent("procclaw", () => {
  it.live.runIf(isFull)("reviews what fails under ProcClaw and in the app, when no OpenClaw job runs", () =>
    Effect.gen(function* () {
      const daemon = yield* makeProcClaw
      daemon.add({ id: "digest", type: "openclaw" })
      daemon.add({ id: "inbox", type: "scheduled" })
      const child = yield* start("procclaw", yield* emptyFolder, {}, [daemon.url])
      let hasFailed = false
      const fail = async () => {
        hasFailed = true
        daemon.start("digest")
        daemon.start("inbox")
        await daemon.ends("inbox", 3)
      }
      const works = () => daemon.runs.some(({ endedAt, job }) => job === "digest" && endedAt === undefined)
      const printed = yield* child.stdout.pipe(
        Stream.decodeText(),
        Stream.scan("", (before, text) => before + text),
        Stream.tap((all) =>
          Effect.promise(async () => {
            if (!hasFailed && all.includes("app:report: the review is completed")) return await fail()
            const isSeen = all.includes("runs: digest") && all.includes("inbox: a review is wanted")
            if (isSeen && works()) await daemon.ends("digest", 0)
          })
        ),
        Stream.takeUntil((all) => all.includes("inbox: the review is completed")),
        Stream.runLast
      )
      const told = Option.getOrElse(printed, () => "")
        .replaceAll(/^\S+ {2}/gm, "")
        .split("\n")
      const after = told.slice(told.indexOf("runs: digest"))
      expect(after).toContain("inbox: a review is wanted (failure)")
      expect(after.indexOf("nothing runs")).toBeLessThan(after.indexOf("inbox: the review begins"))
      expect(told).toContain("app:report (process)")
      expect(told.join("\n")).toContain("no space left on device")
      yield* child.kill("SIGINT")
    }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))
  )
})

describe.concurrent("proactive", () => {
  it.live.runIf(isFull)("has each job reviewed as its policy says, and a crash loop once for each script", () =>
    Effect.gen(function* () {
      const { stderr, stdout } = yield* run("proactive", yield* emptyFolder)
      const counts = Object.fromEntries(
        Array.from(stdout.matchAll(/^ (\S+) +(\d+) +(\d+) +(\d+)$/gm), ([, job, ...counts]) => [
          job,
          counts.map(Number)
        ])
      )
      expect(Object.keys(counts)).toEqual(["digest", "inbox", "crash-loop"])
      const [, digestFailures, digestReviews] = counts.digest ?? []
      expect(digestFailures).toBe(0)
      expect(digestReviews).toBeGreaterThanOrEqual(2)
      expect(counts.inbox?.[2]).toBe(1)
      const [runs, failures = 0, reviews] = counts["crash-loop"] ?? []
      expect(runs).toBe(failures)
      // One that fails by the old script, and is looked into when the new one is there, is of a third kind.
      expect([2, 3]).toContain(reviews)
      expect(failures).toBeGreaterThan(6)
      expect(stdout).toContain(
        "completed: A stand-in, and no AI, has read this last error: Error: 429 Too Many Requests"
      )
      expect(stdout).toMatch(/^ [\d-]+T[\d:]+\.000Z {2}request \d+$/m)
      expect(stderr).toBe("")
    }).pipe(Effect.scoped)
  )
})

describe.concurrent("timeline", () => {
  it.live("replays the scenario in its order, draws it and proves it", () =>
    Effect.gen(function* () {
      const folder = yield* emptyFolder
      const { stderr, stdout } = yield* run("timeline", folder)

      const events = Array.from(stdout.matchAll(/^ +\d+\.\d s {2}(job|healing) (\w) +[█░·]? ?(.+)$/gm), (match) =>
        match.slice(1).join(" ")
      )
      expect(events.filter((event) => !event.includes("waits"))).toEqual([
        "job A starts",
        "healing X wants to run",
        "job A ends",
        "job B starts",
        "job B ends",
        "healing X starts",
        "healing Y wants to run",
        "healing X ends",
        "healing Y starts",
        "healing Y ends"
      ])
      const between = (from: string, to: string) => events.slice(events.indexOf(from), events.indexOf(to))
      expect(between("healing X wants to run", "job A ends")).toContain("healing X waits: OpenClaw job A runs")
      expect(between("job B starts", "job B ends")).toContain("healing X waits: OpenClaw job B runs")
      expect(between("healing Y wants to run", "healing X ends")).toContain("healing Y waits: the review of X runs")

      const drawn = Object.fromEntries(
        ["job A", "job B", "healing X", "healing Y"].map((who) => [who, rowOf(stdout, who)])
      )
      for (const who of ["job A", "job B"]) expect(drawn[who]).toMatch(/^ job \w +█+$/)
      for (const who of ["healing X", "healing Y"]) expect(drawn[who]).toMatch(/^ healing \w +░[░·]*█+$/)
      expect(stdout).toMatch(/^ Proven: .*no review during an OpenClaw job/m)
      expect(stdout).toContain("Reviews are done by a stand-in for OpenClaw, free of charge.")
      for (const [job, error] of Object.entries({ X: "connect ECONNREFUSED", Y: "ENOSPC, no space left on device" })) {
        const report = yield* Effect.promise(() => readFile(join(folder, `.healing/${job}.md`), "utf8"))
        expect(report).toContain(`A stand-in, and no AI, has read this last error: Error: ${error}\n`)
      }
      expect(stdout + stderr).not.toContain("\u001b")
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80)
    }).pipe(Effect.scoped)
  )

  it.live.runIf(isFull)("goes on where it was when it was killed", () =>
    Effect.gen(function* () {
      const folder = yield* emptyFolder
      yield* Effect.scoped(
        Effect.gen(function* () {
          const child = yield* start("timeline", folder)
          yield* child.stdout.pipe(
            Stream.decodeText(),
            Stream.scan("", (before, text) => before + text),
            Stream.takeUntil((text) => /healing Y +░ waits/.test(text)),
            Stream.runDrain
          )
          yield* child.kill("SIGKILL")
        })
      ).pipe(Effect.provide(NodeContext.layer))
      const { stdout } = yield* run("timeline", folder)
      expect(stdout).toContain("Left over from a program that was killed, and done now: X (cut off in the middle), Y\n")
      expect(rowOf(stdout, "healing X")).toContain("█")
      expect(rowOf(stdout, "healing Y")).toContain("█")
      expect((yield* run("timeline", folder)).stdout).toContain("Proven")
    }).pipe(Effect.scoped)
  )
})

describe.concurrent("supervisor", () => {
  it.live.runIf(isFull)("restarts the job until it succeeds, and has each failure reviewed", () =>
    Effect.gen(function* () {
      const { stderr, stdout } = yield* run("supervisor")

      const logged = Array.from(stdout.matchAll(/^\[.+?\] (?:INFO|WARN) \(#\d+\): (.+)$/gm), (match) => match[1] ?? "")
      expect(logged.filter((message) => !message.startsWith("Finding"))).toEqual([
        "nightly-digest: start 1",
        "nightly-digest: start 1 ended with exit code 1",
        "nightly-digest: start 2",
        "nightly-digest: start 2 ended with exit code 1",
        "nightly-digest: start 3",
        "nightly-digest: start 3 ended with exit code 1",
        "nightly-digest: start 4",
        "nightly-digest: done"
      ])
      // One that yields to a restart is done anew.
      expect([...new Set(logged.filter((message) => message.startsWith("Finding")))]).toEqual(
        [1, 2, 3].map(
          (start) =>
            `Finding: nightly-digest: start ${start} ended with exit code 1, after "error: 429 Too Many Requests"`
        )
      )
      for (const start of [1, 2, 3, 4]) {
        const from = logged.indexOf(`nightly-digest: start ${start}`)
        const during = logged.slice(from, from + 2)
        expect(during.filter((message) => message.startsWith("Finding"))).toEqual([])
      }
      expect(stdout + stderr).not.toContain("\u001b")
    })
  )
})

const Points = Schema.Struct({
  isMonotonic: Schema.optional(Schema.Boolean),
  dataPoints: Schema.Array(Schema.Struct({ asDouble: Schema.optional(Schema.Number) }))
})

const OtlpMetric = Schema.Struct({
  name: Schema.String,
  sum: Schema.optional(Points),
  gauge: Schema.optional(Points),
  histogram: Schema.optional(Points)
})

type OtlpMetric = typeof OtlpMetric.Type

const OtlpSpan = Schema.Struct({
  name: Schema.String,
  startTimeUnixNano: Schema.BigInt,
  endTimeUnixNano: Schema.BigInt
})

type OtlpSpan = typeof OtlpSpan.Type

/** The fields that are looked at here: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request. */
const Otlp = Schema.Struct({
  resourceMetrics: Schema.optional(
    Schema.Array(Schema.Struct({ scopeMetrics: Schema.Array(Schema.Struct({ metrics: Schema.Array(OtlpMetric) })) }))
  ),
  resourceSpans: Schema.optional(
    Schema.Array(Schema.Struct({ scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(OtlpSpan) })) }))
  )
})

const decodeOtlp = Schema.decodeUnknownSync(Schema.parseJson(Otlp))

/** A stand-in for a collector, which is no package of npm. `hasReview`: a metric has told that a review has ended. */
const collector = Effect.gen(function* () {
  const hasReview = yield* Deferred.make<void>()
  const metrics = new Map<string, OtlpMetric>()
  const spans: Array<OtlpSpan> = []
  const take = (body: string) => {
    const { resourceMetrics = [], resourceSpans = [] } = decodeOtlp(body)
    for (const metric of resourceMetrics.flatMap((_) => _.scopeMetrics).flatMap((_) => _.metrics)) {
      metrics.set(metric.name, metric)
    }
    spans.push(...resourceSpans.flatMap((_) => _.scopeSpans).flatMap((_) => _.spans))
    const ended = metrics.get("healing_ended")?.sum?.dataPoints ?? []
    if (ended.some(({ asDouble = 0 }) => asDouble > 0)) Deferred.unsafeDone(hasReview, Effect.void)
  }
  const server = yield* Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer((request, response) => {
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => {
          take(Buffer.concat(parts).toString())
          response.end("{}")
        })
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  const address = server.address()
  const port = typeof address === "object" ? address?.port : undefined
  return { hasReview: Deferred.await(hasReview), metrics, spans, url: `http://127.0.0.1:${port}` }
})

describe.runIf(isFull).concurrent("otel", () => {
  it.live("sends the metrics that the dashboard shows, and traces in which no review begins during a job", () =>
    Effect.gen(function* () {
      const { hasReview, metrics, spans, url } = yield* collector
      const child = yield* start("otel", yield* emptyFolder, { OTEL_EXPORTER_OTLP_ENDPOINT: url })
      const printed = yield* Effect.fork(text(Stream.merge(child.stdout, child.stderr)))
      yield* hasReview
      yield* child.kill("SIGTERM")
      expect(yield* printed).toContain(": completed\n")

      const sent = Array.from(metrics.keys()).filter((name) => name.startsWith("healing_"))
      const dashboard = yield* Effect.promise(() => readFile(join(root, "examples/otel.dashboard.json"), "utf8"))
      const shown = dashboard.match(/healing_[a-z_]+?(?=_bucket|\(_|")/g)
      expect([...new Set(shown)].sort()).toEqual(sent.sort())
      for (const name of sent) expect(metrics.get(name)?.sum?.isMonotonic ?? true, name).toBe(true)

      const runs = spans.filter(({ name }) => name === "run")
      const reviews = spans.filter(({ name }) => name === "HealingService.run")
      expect(spans.length).toBe(runs.length + reviews.length)
      expect(reviews.length).toBeGreaterThan(0)
      for (const { startTimeUnixNano: at } of reviews) {
        expect(runs.filter((run) => run.startTimeUnixNano < at && at < run.endTimeUnixNano)).toEqual([])
      }
    }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))
  )
})

describe("the drawing", () => {
  const events: ReadonlyArray<Event> = [
    { at: 0, who: "job A", state: "running", text: "starts" },
    { at: 1, who: "healing X", state: "asked", text: "wants to run" },
    { at: 3, who: "job A", state: "ended", text: "ends" },
    { at: 3, who: "healing X", state: "quiet", text: "waits" },
    { at: 4, who: "healing X", state: "running", text: "starts" },
    { at: 4.001, who: "job B", state: "running", text: "starts" },
    { at: 4.002, who: "job B", state: "ended", text: "ends" },
    { at: 6, who: "healing X", state: "ended", text: "ends" }
  ]

  it("goes from one event of somebody to the next", () => {
    expect(segments(events)).toEqual([
      { who: "job A", state: "running", from: 0, to: 3 },
      { who: "job B", state: "running", from: 4.001, to: 4.002 },
      { who: "healing X", state: "asked", from: 1, to: 3 },
      { who: "healing X", state: "quiet", from: 3, to: 4 },
      { who: "healing X", state: "running", from: 4, to: 6 }
    ])
  })

  it("fits the screen, and shows what was too short for a column", () => {
    // 60 columns for 6 seconds.
    const drawn = draw(events, { columns: 73, colour: false })
    expect(
      drawn
        .split("\n")
        .slice(0, 5)
        .map((row) => row.slice(12))
    ).toEqual([
      "0 s       1 s       2 s       3 s       4 s       5 s",
      "┬─────────".repeat(6),
      "█".repeat(30),
      `${" ".repeat(40)}█`,
      `${" ".repeat(10)}${"░".repeat(20)}${"·".repeat(10)}${"█".repeat(20)}`
    ])
    for (const seconds of [0.001, 1, 59, 3600, 1e6]) {
      const long = draw([...events, { at: seconds, who: "healing Y", state: "running", text: "" }], {
        columns: 73,
        colour: false
      })
      for (const row of long.split("\n")) expect(row.length).toBeLessThanOrEqual(73)
    }
  })

  it("is the same in colour, but for the colour", () => {
    const screens = [true, false].map((colour) => ({ columns: 80, colour }))
    const [coloured, plain] = screens.map((screen) => [
      ...events.map((event) => line(event, screen)),
      draw(events, screen)
    ])
    const codes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g")
    expect(coloured?.join("\n").match(codes)?.length).toBeGreaterThan(0)
    expect(coloured?.map((text) => text.replace(codes, ""))).toEqual(plain)
  })
})
