/**
 * `npm run screenshots`: the pictures of the page in its README, of a real app whose last hour has passed in some seconds.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { NodeContext } from "@effect/platform-node"
import { Clock, Context, Duration, Effect, Layer, Logger } from "effect"
import { Healing, HealingQueue, HealingScheduler, JobRegistry, type Report, Reviewed, Reviewer } from "effect-healing"
import { HealingHttp } from "effect-healing/http"
import type { Page } from "playwright-core"
import { hashOf } from "../../src/text/Excerpt.js"
import { chromiumPath, openBrowser } from "../support/browser.js"

const pictures = fileURLToPath(new URL("../../src/page/pictures", import.meta.url))

/** Time goes so fast until it is `now`, and as usual from then on. */
const hurried = (speed: number, ahead: number) => {
  const machine = Clock.make()
  const from = machine.unsafeCurrentTimeMillis()
  const millis = () => {
    const now = machine.unsafeCurrentTimeMillis()
    return Math.min(from - ahead + (now - from) * speed, now)
  }
  const isHurried = () => millis() < machine.unsafeCurrentTimeMillis()
  return {
    ...machine,
    unsafeCurrentTimeMillis: millis,
    unsafeCurrentTimeNanos: () => BigInt(Math.round(millis() * 1e6)),
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanos: Effect.sync(() => BigInt(Math.round(millis() * 1e6))),
    sleep: (duration: Duration.Duration) =>
      Effect.suspend(() => machine.sleep(isHurried() ? Duration.times(duration, 1 / speed) : duration))
  } satisfies Clock.Clock
}

/** It stands in the pictures, so that it has the same name each time. */
const folder = join(tmpdir(), "effect-healing-pictures")
const root = join(folder, "jobs")
rmSync(folder, { recursive: true, force: true })
mkdirSync(root, { recursive: true, mode: 0o755 })
chmodSync(folder, 0o700)

/** The doctor finds an OpenClaw. */
const bin = join(folder, "bin")
mkdirSync(bin)
writeFileSync(join(bin, "openclaw"), "#!/bin/sh\necho OpenClaw 2026.9.6\n", { mode: 0o755 })
process.env.PATH = `${bin}:${process.env.PATH}`

const script = join(root, "digest.sh")

const OLD = `#!/bin/sh
# Reads the mails of the night, and sends a digest of them.
set -eu
MAILS=all
mails=$(read-mails --at-once "$MAILS")
openclaw agent exec --message "Make a digest of: $mails" > digest.md
send-mail --to team digest.md
`

const NEW = OLD.replace("MAILS=all", "MAILS=100\nexport LC_ALL=C.UTF-8").replace("--to team", "--to team --retry 3")

writeFileSync(script, OLD, { mode: 0o755 })

const outOfMemory = (): Report => ({
  summary:
    "The digest fails since the night of Tuesday: `read-mails` reads all mails at once, and is killed when there are more than 4,000.\n\nThe mails themselves are well-formed, and OpenClaw was never asked.",
  rootCause: "`MAILS=all` needs about 2 MB for each mail, and the machine has 8 GB.",
  suggestions: [
    {
      category: "script",
      severity: "high",
      title: "Read a hundred mails at once",
      description: "The log ends with `out of memory` while the mails are read, in each of the last three runs.",
      currentState: "All of them are read at once.",
      change: "Set `MAILS` to 100, and try to send three times.",
      expectedImpact: "The job needs 200 MB.",
      targetFile: script,
      proposedContent: NEW,
      fileHash: hashOf(readFileSync(script))
    }
  ],
  evidence: [
    { title: "The last 50 runs", characters: 2140, remarks: [] },
    {
      title: "Log of the run that has failed",
      characters: 24_000,
      remarks: ["its middle was left out: 180,000 characters"]
    },
    { title: "digest.sh", characters: 312, remarks: [] }
  ],
  model: "anthropic/claude-sonnet-4-5",
  tokens: { input: 18_420, output: 1310, cacheRead: 0, cacheWrite: 0, total: 19_730 },
  costUsd: 0.0749
})

const reviewer = Layer.succeed(Reviewer, {
  review: ({ job }) =>
    Effect.delay(
      Effect.sync(() =>
        Reviewed.Completed({
          report:
            job === "nightly-digest" ? outOfMemory() : { summary: "A rate limit of the mail server, which is over." }
        })
      ),
      "3 minutes"
    )
})

const JOBS = [
  { id: "inbox", openClaw: true },
  { id: "nightly-digest", openClaw: true, files: [{ path: script, role: "script" as const }] },
  { id: "sync-calendar", openClaw: false },
  {
    id: "weekly-report",
    openClaw: true,
    policy: { schedule: { frequency: "weekly" as const, day: "friday" as const, time: "09:00" } }
  }
]

/** What has happened in the last hour, at which minute of it. */
const hour = Effect.gen(function* () {
  const registry = yield* JobRegistry
  const run = (job: string, from: number, minutes: number, exitCode: number) =>
    Effect.gen(function* () {
      yield* Effect.sleep(Duration.minutes(from))
      const id = yield* registry.started(job)
      yield* Effect.sleep(Duration.minutes(minutes))
      const lastError = exitCode === 0 ? null : "Error: out of memory"
      if (lastError !== null) yield* registry.print(job, `reading the mails\n${lastError}\n`)
      yield* registry.ended(job, id, { exitCode, lastError })
    })
  yield* Effect.all(
    [
      run("sync-calendar", 2, 2, 0),
      run("inbox", 3, 6, 0),
      run("nightly-digest", 7, 5, 1),
      run("weekly-report", 14, 9, 0),
      run("sync-calendar", 17, 2, 0),
      run("inbox", 29, 4, 1),
      run("weekly-report", 35, 7, 0),
      run("sync-calendar", 32, 2, 0),
      run("sync-calendar", 47, 2, 0)
    ],
    { concurrency: "unbounded" }
  )
  yield* Effect.fork(run("inbox", 4, 1000, 0))
  yield* Effect.fork(run("sync-calendar", 5, 2, 1))
  yield* Effect.sleep(Duration.minutes(11))
})

const take = (page: Page, address: string, name: string, view: string, options: { readonly dark?: boolean } = {}) =>
  Effect.promise(async () => {
    await page.emulateMedia({ colorScheme: options.dark === true ? "dark" : "light" })
    await page.goto(`${address}${view}`)
    await page.getByText("Loading…").first().waitFor({ state: "detached" })
    // What was asked for is drawn.
    await page.waitForTimeout(500)
    mkdirSync(pictures, { recursive: true })
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
  })

const program = Effect.gen(function* () {
  const live = HealingHttp.layer.pipe(
    Layer.provideMerge(
      Healing.layerSupervised({
        filename: join(folder, "healing.db"),
        settings: { http: { port: 0 }, suggestions: { allowedRoots: [root], asRoot: process.getuid?.() === 0 } },
        reviewer
      }).pipe(Layer.provideMerge(JobRegistry.layer))
    ),
    Layer.provide([NodeContext.layer, Logger.remove(Logger.defaultLogger)])
  )
  const context = yield* Layer.build(live)
  yield* Effect.provide(
    Effect.gen(function* () {
      const registry = yield* JobRegistry
      for (const job of JOBS) yield* registry.add(job)
      yield* (yield* HealingScheduler).refresh
      yield* hour
    }),
    context
  )
  const { socket } = Context.get(context, HealingHttp)
  const { api } = yield* HealingHttp.client({ socket })
  const { url } = yield* api.page.link()
  const browser = yield* openBrowser
  const page = yield* Effect.promise(async () => {
    const page = await browser.newPage({ viewport: { width: 1200, height: 600 }, reducedMotion: "reduce" })
    await page.goto(url)
    await page.locator(".badge.good").waitFor()
    return page
  })
  const address = url.replace(/#.*/, "")
  const [digest] = yield* Context.get(context, HealingQueue).history({ job: "nightly-digest", limit: 1 })
  const id = digest?.id ?? ""
  yield* take(page, address, "now", "#/now")
  yield* take(page, address, "job", "#/jobs/nightly-digest")
  yield* take(page, address, "jobs", "#/jobs")
  yield* take(page, address, "history", "#/history")
  yield* take(page, address, "report", `#/requests/${encodeURIComponent(id)}`)
  const suggestion = `suggestion:nightly-digest:${digest?.number}.1`
  yield* take(page, address, "suggestion", `#/suggestions/${encodeURIComponent(suggestion)}`, { dark: true })
  yield* take(page, address, "health", "#/health", { dark: true })
}).pipe(Effect.scoped, Effect.withClock(hurried(200, 60 * 60_000)))

if (chromiumPath === undefined) {
  console.error("There is no Chromium here: name one as CHROMIUM")
  process.exit(1)
}
await Effect.runPromise(program).finally(() => rmSync(folder, { recursive: true }))
process.exit()
