/**
 * The page in a real browser: its first view over a long past, and the way of what happens to the screen.
 */
import { NodeContext } from "@effect/platform-node"
import { Deferred, Effect, Layer, Logger, Stream } from "effect"
import type { Page } from "playwright-core"
import { HealingHttp } from "../../src/http/HealingHttp.js"
import { Healing, OpenClaw, Reviewed, Reviewer } from "../../src/index.js"
import { chromiumPath, openBrowser } from "../support/browser.js"
import { newStore } from "./disk.js"
import { compare, millisEach, type Row, rowOf, size } from "./ratio.js"

const REQUESTS = size(10_000, 200)

/** As many as the first view shows. */
const SHOWN = 50

const CHANGES = size(20, 2)

/** The status is told ten times a second at most. */
const PACE = "150 millis"

const reviewer = Layer.succeed(Reviewer, {
  review: () => Effect.succeed(Reviewed.Completed({ report: { summary: "all is well" } }))
})

/** An app over so many requests that have ended, and a page of it in the browser, which has come in. */
const makeApp = (requests: number, view: string) =>
  Effect.gen(function* () {
    const filename = yield* newStore(requests, 0)
    const settings = { quietPeriod: 0, http: { port: 0 } }
    const live = HealingHttp.layer.pipe(
      Layer.provideMerge(Healing.layerSqlite({ filename, settings })),
      Layer.provide([reviewer, NodeContext.layer, Logger.remove(Logger.defaultLogger)])
    )
    const context = yield* Layer.build(live)
    const { socket } = yield* Effect.provide(HealingHttp, context)
    const local = yield* HealingHttp.client({ socket })
    const { url } = yield* local.api.page.link()
    const browser = yield* openBrowser
    const page = yield* Effect.promise(async () => {
      const page = await browser.newPage()
      await page.goto(url)
      await page.locator(".badge.good").waitFor()
      await page.goto(`${new URL(url).origin}/page${view}`)
      return page
    })
    return { context, local, page }
  })

const lastRow = (page: Page) => page.locator("tbody tr").nth(SHOWN - 1)

const firstView = (page: Page) =>
  millisEach(
    1,
    Effect.promise(async () => {
      await page.reload({ waitUntil: "commit" })
      await lastRow(page).waitFor()
    })
  )

const past = Effect.gen(function* () {
  const long = yield* makeApp(REQUESTS, "#/history")
  const short = yield* makeApp(SHOWN, "#/history")
  yield* Effect.promise(() => Promise.all([long, short].map(({ page }) => lastRow(page).waitFor())))
  const compared = yield* compare({ rounds: 7 }, firstView(long.page), firstView(short.page))
  const what = `the page from its address to ${SHOWN} of ${REQUESTS.toLocaleString("en")} requests that have ended, to ${SHOWN} of ${SHOWN}`
  return rowOf(what, compared, 1.5)
}).pipe(Effect.scoped)

/** Tells as soon as the page says that so many jobs run. */
const WATCH = `new MutationObserver(() => {
  const [, jobs] = /OpenClaw jobs that run \\((\\d+)\\)/.exec(document.body.textContent) ?? []
  if (jobs !== window.last) seen(Number(window.last = jobs))
}).observe(document.body, { childList: true, subtree: true, characterData: true })`

/** From a report to `seen` having told of it, again and again. */
const way = (openClaw: typeof OpenClaw.Service, awaiting: (running: number) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    let sum = 0
    for (let index = 0; index < CHANGES; index++) {
      const running = 1 - (index % 2)
      const seen = yield* Effect.fork(awaiting(running))
      yield* Effect.sleep(PACE)
      const report = running === 1 ? openClaw.started("job") : openClaw.finished("job")
      sum += yield* millisEach(1, Effect.zipRight(report, seen))
    }
    return sum / CHANGES
  })

/** Lets others wait until it was told a number. */
const makeTold = () => {
  const waiting = new Map<number, Deferred.Deferred<void>>()
  return {
    tell: (running: number) => {
      const deferred = waiting.get(running)
      if (deferred !== undefined) Deferred.unsafeDone(deferred, Effect.void)
    },
    until: (running: number) =>
      Effect.gen(function* () {
        const deferred = yield* Deferred.make<void>()
        waiting.set(running, deferred)
        yield* Deferred.await(deferred)
        waiting.delete(running)
      })
  }
}

const live = Effect.gen(function* () {
  const { context, local, page } = yield* makeApp(SHOWN, "#/now")
  const openClaw = yield* Effect.provide(OpenClaw, context)
  const screen = makeTold()
  const client = makeTold()
  yield* Effect.promise(async () => {
    await page.locator(".badge.good").waitFor()
    await page.exposeFunction("seen", screen.tell)
    await page.evaluate(WATCH)
  })
  yield* Effect.forkScoped(
    Stream.runForEach(local.events(), ({ event }) =>
      Effect.sync(() => {
        if (event._tag === "Status") client.tell(event.status.openClaw.jobs.length)
      })
    )
  )
  const compared = yield* compare({ rounds: 5 }, way(openClaw, screen.until), way(openClaw, client.until))
  return rowOf("a job that starts, until the page shows it, to a client that is told of it", compared, 2)
}).pipe(Effect.scoped)

/** Where there is no browser, there is nothing to measure. */
export const rows = chromiumPath === undefined ? 0 : 2

export const page: Effect.Effect<ReadonlyArray<Row>> =
  rows === 0 ? Effect.succeed([]) : Effect.orDie(Effect.all([past, live]))
