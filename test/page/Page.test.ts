/** The page in a real browser, over a real app: what a person sees and does. */
import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { HttpApp, HttpServer } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Layer, Scope } from "effect"
import type { HealingSettingsInput, Report } from "effect-healing"
import { HealingHttp } from "effect-healing/http"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import * as Route from "../../src/page/Route.js"
import { chromiumPath, openBrowser } from "../support/browser.js"
import { json, makeHttpWorld, send } from "../support/httpWorld.js"
import { isFull } from "../support/property.js"
import { forFile, NEW, OLD } from "../support/suggestionWorld.js"

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js")

/** A backstop, in milliseconds. */
const PATIENCE = 20_000

/** What a browser does is a promise. */
const on = <A>(act: () => Promise<A>): Effect.Effect<A> => Effect.promise(act)

let browser: Browser
const opened = Effect.runSync(Scope.make())

/** A page of its own, at this address, in which `before` runs first. Nothing goes wrong on it, and nothing is asked of another origin. */
const visit = (url: string, options: BrowserContextOptions = {}, before = "") =>
  Effect.acquireRelease(
    on(async () => {
      const context = await browser.newContext({ reducedMotion: "reduce", ...options })
      context.setDefaultTimeout(PATIENCE)
      await context.addInitScript(before)
      const page = await context.newPage()
      const wrong: Array<string> = []
      page.on("pageerror", ({ message }) => wrong.push(message))
      page.on("dialog", (dialog) => wrong.push(`a dialog: ${dialog.message()}`))
      page.on("console", (message) => {
        // A request that fails while there is no connection, or is refused, says so itself.
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
          wrong.push(message.text())
      })
      page.on("request", (request) => {
        if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith("data:"))
          wrong.push(request.url())
      })
      await page.goto(url)
      return { page, wrong }
    }),
    ({ page, wrong }) =>
      Effect.zipRight(
        on(() => page.context().close()),
        Effect.sync(() => assert.deepStrictEqual(wrong, []))
      )
  ).pipe(Effect.map(({ page }) => page))

/** An app with a port, and ways to look at it. */
const makePageWorld = (settings: HealingSettingsInput = {}) =>
  Effect.gen(function* () {
    const world = yield* makeHttpWorld({
      http: { port: 0 },
      ...settings,
      suggestions: { goodRuns: 1, ...settings.suggestions }
    })
    const { socket, url = "" } = yield* world.serve
    const link = Effect.map(send({ socketPath: socket }, { method: "POST", path: "/page/link" }), ({ text }) =>
      String(json(text).url)
    )
    const open = (options?: BrowserContextOptions) =>
      Effect.gen(function* () {
        const page = yield* Effect.flatMap(link, (link) => visit(link, options))
        yield* on(() => page.locator(".badge.good").waitFor())
        return page
      })
    /** A run of the job that ends with this. */
    const run = (job: string, exitCode: number) =>
      Effect.gen(function* () {
        const id = yield* world.registry.started(job)
        yield* world.registry.ended(job, id, { exitCode, lastError: exitCode === 0 ? null : "Error: boom" })
      })
    return { ...world, socket, url, link, open, run }
  })

const headed = (page: Page, title: string) => on(() => page.getByRole("heading", { level: 1, name: title }).waitFor())

/** Goes to a view, which is there when this has ended: what the test looks for may stand in the one before as well. */
const go = (page: Page, hash: string) =>
  on(async () => {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
    await page.locator(`main[data-address="${Route.format(Route.parse(hash))}"]`).waitFor()
    await page.getByText("Loading…").first().waitFor({ state: "detached" })
  })

const toSuggestion = (id: string) => `#/suggestions/${encodeURIComponent(id)}`

const sees = (page: Page, text: string | RegExp) => on(() => page.getByText(text).first().waitFor())

const press = (page: Page, ...keys: ReadonlyArray<string>) =>
  on(async () => {
    for (const key of keys) await page.keyboard.press(key)
  })

const focused = (page: Page) => on(() => page.evaluate<string>(`document.activeElement?.textContent?.trim() ?? ""`))

/** All text of the first that this finds. */
const textOf = (page: Page, selector: string) =>
  Effect.map(
    on(() => page.locator(selector).first().textContent()),
    (text) => text ?? ""
  )

/** What stands out on the right, in a window in which one would have to scroll to it. */
const TOO_WIDE = `document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
  Array.from(document.querySelectorAll("body *"))
    .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map((element) => element.outerHTML.slice(0, 100))`

const click = (page: Page, name: string | RegExp) => on(() => page.getByRole("button", { name }).click())

/** Decides with the button of this name, and a reason. */
const decide = (page: Page, name: string, reason: string) =>
  Effect.gen(function* () {
    yield* click(page, `${name}…`)
    yield* on(() => page.getByLabel(/^Why/).fill(reason))
    yield* on(() => page.getByRole("button", { name, exact: true }).click())
  })

const state = (page: Page, words: string) => on(() => page.locator("dd .state", { hasText: words }).first().waitFor())

describe.skipIf(chromiumPath === undefined)("the page in a browser", () => {
  // In `npm test`, what is told as it happens: everything else comes with the full tests.
  const test = it.scopedLive.runIf(isFull)

  beforeAll(async () => {
    browser = await Effect.runPromise(Scope.extend(openBrowser, opened))
  })
  afterAll(() => Effect.runPromise(Scope.close(opened, Exit.void)))

  test("opens with a link once, and stays open in its tab", () =>
    Effect.gen(function* () {
      const { link, url } = yield* makePageWorld()
      const made = yield* link
      const page = yield* visit(made)
      yield* sees(page, "Nothing is under review.")
      assert.strictEqual(page.url(), `${url}/page`)
      yield* on(() => page.reload())
      yield* sees(page, "Nothing is under review.")

      const second = yield* visit(made)
      yield* sees(second, "This link was used before")
      yield* sees(second, "effect-healing open")
      const third = yield* visit(`${url}/page#/jobs`)
      yield* sees(third, "effect-healing open")
      // Another link in the same tab is one to come in by.
      const another = yield* link
      yield* on(() => third.goto(another))
      yield* sees(third, "Nothing is under review.")
      assert.strictEqual(third.url(), `${url}/page`)
    }))

  it.scopedLive("shows a crash as it happens: the wait and what for, the review, and what it has found", () =>
    Effect.gen(function* () {
      const { find, hold, open, openClaw, run } = yield* makePageWorld()
      yield* find({
        summary: "The disk is full.\n\nSee `df -h`.",
        rootCause: "Old logs",
        evidence: [{ title: "Log of the run", characters: 12_345, remarks: ["its middle was left out"] }],
        model: "mock-1",
        tokens: { input: 1000, output: 200, cacheRead: 0, cacheWrite: 0, total: 1200 },
        costUsd: 0.0125
      })
      const end = yield* hold
      const page = yield* open()
      yield* openClaw.started("other")
      yield* sees(page, "OpenClaw jobs that run (1)")
      yield* run("digest", 1)
      yield* sees(page, "Waiting (1)")
      yield* sees(page, /Held up by.*OpenClaw jobs running: other/)
      yield* on(() => page.locator(".bar.run.failed").first().waitFor({ state: "attached" }))
      yield* on(() => page.locator(".rows .bar.waiting").first().waitFor({ state: "attached" }))
      yield* openClaw.finished("other")
      yield* on(() => page.locator(".card.go").getByRole("link", { name: "digest", exact: true }).waitFor())
      yield* on(() => page.locator(".rows .bar.review").first().waitFor({ state: "attached" }))
      yield* Deferred.succeed(end, undefined)
      yield* sees(page, "Nothing is under review.")

      // From there to its report.
      yield* press(page, "h")
      yield* on(() => page.locator("tbody [data-row]").first().click())
      yield* headed(page, "Report healing:digest:1")
      yield* sees(page, "Root cause")
      const report = yield* textOf(page, "main")
      for (const text of ["Old logs", "Log of the run", "12,345", "its middle was left out", "mock-1", "0.0125 USD"]) {
        assert.include(report, text)
      }
      assert.match(report, /1,200 \(1,000 in, 200 out\)/)
      assert.strictEqual(yield* textOf(page, ".prose code"), "df -h")
    })
  )

  test("has a suggestion approved as it was shown, applied, watched and confirmed", () =>
    Effect.gen(function* () {
      const { file, open, propose, run, suggestions } = yield* makePageWorld()
      const id = yield* propose
      const page = yield* open()
      yield* go(page, toSuggestion(id))
      yield* sees(page, "no command of suggestions.checks objects")
      yield* click(page, "Side by side")
      assert.include(yield* textOf(page, ".diff"), "2−two2+2")
      yield* click(page, "Unified")
      assert.include(yield* textOf(page, ".diff"), "2−two2+2")

      // Somebody edits the file meanwhile: what is approved is what was shown, and nothing else.
      writeFileSync(file, `${OLD}five\n`)
      yield* decide(page, "Approve exactly this", "looks right")
      yield* on(() => page.getByRole("alert").waitFor())
      assert.strictEqual((yield* suggestions.steps(id)).length, 1)
      writeFileSync(file, OLD)
      yield* click(page, "Look again")
      yield* decide(page, "Approve exactly this", "looks right")
      yield* state(page, "approved")
      yield* decide(page, "Apply", "now")
      yield* state(page, "applied")
      assert.strictEqual(readFileSync(file, "utf8"), NEW)
      yield* sees(page, /Its job is watched/)
      yield* run("digest", 0)
      yield* state(page, "confirmed")
      const [, approved, , applied] = yield* suggestions.steps(id)
      assert.deepInclude(approved, { to: "approved", reason: "looks right" })
      assert.strictEqual(approved?.by.door, "page")
      assert.deepInclude(applied, { to: "applied" })
      yield* decide(page, "Roll back", "for a test")
      yield* state(page, "rolled back")
      assert.strictEqual(readFileSync(file, "utf8"), OLD)
    }))

  test("says that it is not connected, and goes on with what it has missed", () =>
    Effect.gen(function* () {
      const { open, run } = yield* makePageWorld()
      const page = yield* open()
      yield* go(page, "#/history")
      yield* sees(page, "There is none.")
      yield* on(() => page.context().setOffline(true))
      yield* sees(page, /Not connected since \d\d:\d\d:\d\d/)
      yield* run("digest", 1)
      yield* on(() => page.context().setOffline(false))
      yield* on(() => page.locator(".badge.good").waitFor())
      yield* on(() => page.locator(".disconnected").waitFor({ state: "detached" }))
      yield* sees(page, "all is well")
    }))

  test("shows the end of a process, and needs a new link after it", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld({ http: { port: 0 } })
      const scope = yield* Scope.make()
      const { socket, url = "" } = yield* Scope.extend(world.serve, scope)
      const made = yield* send({ socketPath: socket }, { method: "POST", path: "/page/link" })
      const page = yield* visit(String(json(made.text).url))
      yield* on(() => page.locator(".badge.good").waitFor())
      yield* Scope.close(scope, Exit.void)
      yield* sees(page, /Not connected since/)
      const port = Number(new URL(url).port)
      const again = HealingHttp.layer.pipe(Layer.provide(Layer.succeedContext(world.context)))
      // The same port, as a service has it after a restart.
      const { settings } = world
      Object.assign(settings.http, { port })
      yield* Layer.build(again)
      yield* sees(page, "effect-healing open")
    }))

  test("can be used with nothing but the keyboard", () =>
    Effect.gen(function* () {
      const { file, open, propose, queue } = yield* makePageWorld()
      const id = yield* propose
      yield* queue.heal({ job: "digest" })
      const page = yield* open()
      for (const [key, title] of [
        ["j", "Jobs"],
        ["h", "History"],
        ["s", "Suggestions"],
        ["d", "Health"],
        ["n", "Now"]
      ] as const) {
        yield* press(page, key)
        yield* headed(page, title)
        assert.strictEqual(yield* focused(page), title)
      }
      yield* press(page, "?")
      yield* on(() => page.getByRole("dialog").waitFor())
      yield* press(page, "j", "Escape")
      assert.match(page.url(), /#\/now$/)

      // A filter that is typed is no key.
      yield* press(page, "h")
      yield* on(() => page.locator("[data-filter]").first().waitFor())
      yield* press(page, "/")
      yield* on(() => page.keyboard.type("digest"))
      yield* press(page, "Enter")
      yield* on(() => page.waitForURL(/#\/history\?job=digest$/))
      yield* on(() => page.locator("tbody [data-row]").nth(1).waitFor())
      yield* press(page, "Tab")

      // Through a list, and to a decision.
      yield* press(page, "s")
      yield* headed(page, "Suggestions")
      yield* on(() => page.locator(".cards [data-row]").waitFor())
      yield* press(page, "l", "ArrowDown", "ArrowUp", "Enter")
      yield* on(() => page.getByRole("button", { name: "Approve exactly this…" }).waitFor())
      const before = yield* on(() => page.locator(".diff.sides").count())
      yield* press(page, "u")
      yield* on(() => page.locator(".diff.sides").waitFor({ state: before === 0 ? "attached" : "detached" }))
      const tabTo = (name: string) =>
        Effect.gen(function* () {
          for (let tabs = 0; tabs < 60; tabs++) {
            if ((yield* focused(page)) === name) return
            yield* press(page, "Tab")
          }
          return assert.fail(`Tab does not come to ${name}`)
        })
      yield* tabTo("Approve exactly this…")
      yield* press(page, "Enter", "Escape")
      assert.strictEqual(yield* focused(page), "Approve exactly this…")
      yield* press(page, "Enter", "o", "k", "Enter")
      yield* state(page, "approved")
      yield* on(() => page.getByRole("button", { name: "Apply…" }).waitFor())
      yield* tabTo("Apply…")
      yield* press(page, "Enter", "Enter")
      yield* state(page, "applied")
      assert.strictEqual(readFileSync(file, "utf8"), NEW)

      // Who speaks to the browser can turn single keys off.
      yield* press(page, "?")
      yield* on(() => page.getByLabel("single keys do something").waitFor())
      yield* press(page, " ", "Escape", "j", "?")
      yield* on(() =>
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
      )
      assert.include(page.url(), encodeURIComponent(id))
      assert.strictEqual(yield* on(() => page.getByRole("dialog").count()), 0)
    }))

  test("says what has come of a wish, and does nothing that somebody else has made needless", () =>
    Effect.gen(function* () {
      const { database, open, openClaw, queue, socket, suggestions } = yield* makePageWorld()
      const page = yield* open()
      yield* openClaw.started("other")
      yield* go(page, "#/jobs/digest")
      yield* click(page, "Ask for a review")
      yield* sees(page, /^It is asked for:/)
      assert.strictEqual(yield* focused(page), "Ask for a review")
      yield* click(page, "Cancel its reviews…")
      yield* on(() => page.getByRole("button", { name: "Cancel its reviews", exact: true }).click())
      yield* sees(page, "1 review cancelled.")
      assert.deepStrictEqual(yield* queue.pending, [])

      // Somebody is about to stop changes, and somebody else has stopped them and let them go on meanwhile.
      yield* press(page, "n")
      yield* click(page, "Stop all changes…")
      yield* on(() => page.getByLabel(/^Why/).fill("a reason"))
      yield* send({ socketPath: socket }, { method: "POST", path: "/suggestions/stop" })
      yield* on(() => page.getByLabel(/^Why/).waitFor({ state: "detached" }))
      yield* on(() => page.getByRole("button", { name: "Let changes go on…" }).waitFor())
      yield* press(page, "Enter")
      assert.strictEqual((yield* suggestions.stopped).length, 1)
      yield* decide(page, "Let changes go on", "it is over")
      yield* on(() => page.getByRole("button", { name: "Stop all changes…" }).waitFor())
      assert.deepStrictEqual(yield* suggestions.stopped, [])

      // What a file stops is nothing that the page could let go on.
      writeFileSync(`${database}.stop`, "")
      yield* openClaw.finished("other")
      yield* on(() => page.locator(".held").first().waitFor())
      assert.strictEqual(yield* on(() => page.getByRole("button", { name: "Let changes go on…" }).count()), 0)
    }))

  test("works where the browser may keep nothing, until it is left", () =>
    Effect.gen(function* () {
      const { link } = yield* makePageWorld()
      const denied = `for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, { get: () => { throw new DOMException("denied", "SecurityError") } })`
      const page = yield* Effect.flatMap(link, (link) => visit(link, {}, denied))
      yield* sees(page, "Nothing is under review.")
      yield* press(page, "j")
      yield* headed(page, "Jobs")
    }))

  test("keeps nobody out, whatever they look with", () =>
    Effect.gen(function* () {
      const { find, hold, open, openClaw, propose, queue, registry, file } = yield* makePageWorld()
      const older = yield* propose
      yield* find(everyKindOfReport(file))
      yield* queue.heal({ job: "digest" })
      // In the place of the other one.
      const id = "suggestion:digest:2.1"
      yield* registry.add({ id: "wrong", policy: { triggers: ["faliure"] } as never })
      yield* Effect.asVoid(hold)
      yield* queue.submit({ job: "digest" })
      yield* openClaw.started("other")
      yield* queue.submit({ job: "a/b c?d=é%" })
      const views = [
        "#/now",
        "#/jobs",
        "#/jobs/digest",
        "#/history?state=completed",
        "#/requests/healing%3Adigest%3A2",
        "#/suggestions",
        toSuggestion(id),
        toSuggestion(older),
        "#/health",
        "#/jobs/nobody"
      ]
      for (const colorScheme of ["light", "dark"] as const) {
        for (const width of [1280, 360]) {
          const page = yield* open({ colorScheme, viewport: { width, height: 800 } })
          yield* on(() => page.evaluate(readFileSync(axe, "utf8")))
          for (const view of views) {
            yield* go(page, view)
            const where = `${view}, ${colorScheme}, ${width} px`
            assert.deepStrictEqual(yield* on(() => violations(page)), [], where)
            assert.deepStrictEqual(yield* on(() => page.evaluate(TOO_WIDE)), [], where)
          }
          const now = (what: string) =>
            Effect.map(
              on(() => violations(page)),
              (found) => assert.deepStrictEqual(found, [], `${what}, ${colorScheme}, ${width} px`)
            )
          yield* go(page, toSuggestion(id))
          yield* click(page, "Approve exactly this…")
          yield* now("a decision")
          yield* on(() => page.context().setOffline(true))
          yield* sees(page, /Not connected since/)
          yield* now("not connected")
          yield* on(() => page.context().setOffline(false))
          yield* on(() => page.locator(".badge.good").waitFor())
          yield* press(page, "?")
          assert.deepStrictEqual(yield* on(() => violations(page)), [], `help, ${colorScheme}, ${width} px`)
        }
      }
    }))

  test("takes nothing for HTML, and is not broken by any text", () =>
    Effect.gen(function* () {
      const { file, find, open, queue, registry } = yield* makePageWorld()
      const html = `<img src=x onerror="alert(1)"><script>alert(2)</script><style>*{display:none}</style>`
      const job = `<b>job</b> \u202egnirts\u202c "'&amp; ${"x".repeat(150)}`
      yield* registry.add({ id: job, files: [{ path: file, role: "script" }] })
      // What would come anew is refused before it is shown.
      writeFileSync(file, `${OLD}\u202eevil\n`)
      const long = `${html} ${"m".repeat(19_000)}`
      yield* find({
        summary: long,
        rootCause: `مرحبا بالعالم ${html} \u202e desrever 👩\u200d🚀🏴‍☠️`,
        evidence: [{ title: html, characters: 1, remarks: [html] }],
        remarks: [html],
        model: html,
        suggestions: [
          {
            ...forFile(file, `${OLD}${html}\n${"l".repeat(64_000)}\n\u202eevil\n`),
            title: html,
            description: `\`\`\`\n${html}\n\`\`\`\nand \`${html}\``,
            change: html,
            expectedImpact: "עברית"
          }
        ]
      })
      const { id } = yield* queue.heal({ job, note: html })
      const page = yield* open({ viewport: { width: 360, height: 800 } })
      for (const view of ["#/now", "#/jobs", `#/jobs/${encodeURIComponent(job)}`, "#/history", "#/suggestions"]) {
        yield* go(page, view)
        yield* on(() => page.getByText("[U+202E]").first().waitFor())
        yield* assertHarmless(page, view)
      }
      yield* go(page, `#/requests/${encodeURIComponent(id)}`)
      yield* sees(page, "مرحبا بالعالم")
      const text = yield* textOf(page, "main")
      assert.include(text, html)
      assert.include(text, "m".repeat(19_000))
      assert.include(text, "👩\u200d🚀")
      yield* assertHarmless(page, "the report")
      yield* go(page, toSuggestion(`suggestion:${job}:${id.split(":").at(-1)}.1`))
      yield* on(() => page.locator(".diff").waitFor())
      const diff = yield* textOf(page, ".diff")
      assert.include(diff, "l".repeat(64_000))
      assert.include(diff, "[U+202E]evil")
      assert.include(diff, html)
      yield* assertHarmless(page, "the suggestion")
    }))

  test("goes on paper", () =>
    Effect.gen(function* () {
      const { find, file, open, queue } = yield* makePageWorld()
      yield* find(everyKindOfReport(file))
      yield* queue.heal({ job: "digest" })
      const page = yield* open({ colorScheme: "dark" })
      yield* go(page, "#/requests/healing%3Adigest%3A1")
      yield* sees(page, "Root cause")
      yield* on(() => page.emulateMedia({ media: "print", colorScheme: "dark" }))
      assert.isFalse(yield* on(() => page.locator("header").isVisible()))
      assert.isTrue(yield* on(() => page.getByText("Root cause").isVisible()))
      const colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
      assert.deepStrictEqual(yield* on(() => page.evaluate(colours)), ["rgb(255, 255, 255)", "rgb(0, 0, 0)"])
      const pdf = yield* on(() => page.pdf())
      assert.strictEqual(pdf.subarray(0, 5).toString(), "%PDF-")
    }))

  test("shows those who may only look what they may see, in an app that has mounted it", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const id = yield* world.propose
      const rights = (request: Request) => new URL(request.url).searchParams.get("as")
      const handler = yield* HealingHttp.toWebHandler({
        prefix: "/healing",
        authorize: (request) =>
          Effect.succeed({ name: "guest", rights: rights(request) === "nobody" || isClosed ? "none" : "read" })
      }).pipe(Effect.provide(world.context))
      let isClosed = false
      const live = yield* Layer.build(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 }))
      const server = Context.get(live, HttpServer.HttpServer)
      yield* Effect.provide(HttpServer.serveEffect(HttpApp.fromWebHandler(handler)), live)
      const port = server.address._tag === "TcpAddress" ? server.address.port : 0
      const page = yield* visit(`http://127.0.0.1:${port}/healing/page${toSuggestion(id)}`)
      yield* sees(page, "What it would change is shown to those who may decide.")
      yield* sees(page, "guest, who may only look")
      yield* press(page, "d")
      yield* sees(page, "It is shown to those who may decide.")
      yield* press(page, "n")
      yield* on(() => page.locator("[data-row]").waitFor())
      assert.deepStrictEqual(yield* on(() => page.getByRole("main").getByRole("button").allInnerTexts()), [])
      isClosed = true
      yield* on(() => page.reload())
      yield* sees(page, "You are guest, who may not look at this.")
    }))

  test("filters the past by its address, and shows more of it when it is wanted", () =>
    Effect.gen(function* () {
      const { open, queue } = yield* makePageWorld()
      for (let index = 0; index < 60; index++) yield* queue.heal({ job: "digest" })
      yield* queue.heal({ job: "a/b c?d=é%" })
      const page = yield* open()
      const rows = page.locator("tbody tr")
      const has = (count: number) =>
        on(async () => {
          await rows.nth(count - 1).waitFor()
          await rows.nth(count).waitFor({ state: "detached" })
        })
      yield* go(page, "#/history")
      yield* has(50)
      yield* click(page, "Show more")
      yield* has(61)
      yield* go(page, `#/history?job=${encodeURIComponent("a/b c?d=é%")}`)
      yield* has(1)
      yield* on(() => page.getByLabel("cancelled").check())
      yield* sees(page, "There is none.")
      assert.match(page.url(), /state=cancelled/)
      yield* on(() => page.getByLabel("completed").check())
      yield* has(1)
      yield* on(() => page.reload())
      yield* on(() => page.waitForURL(/state=completed/))
      assert.strictEqual(yield* on(() => page.getByLabel("Job", { exact: true }).inputValue()), "a/b c?d=é%")
      yield* has(1)
      assert.strictEqual(yield* on(() => rows.count()), 1)
    }))
})

const FOREIGN = `document.querySelectorAll("main :is(img, script, style, b, iframe, object)").length`

const assertHarmless = (page: Page, where: string) =>
  Effect.gen(function* () {
    assert.strictEqual(yield* on(() => page.evaluate(FOREIGN)), 0, where)
    assert.deepStrictEqual(yield* on(() => page.evaluate(TOO_WIDE)), [], where)
  })

/** What axe finds, each with the element in which it does. */
const VIOLATIONS = `axe.run().then(({ violations }) =>
  violations.flatMap(({ id, nodes }) => nodes.map(({ html, any }) => id + ": " + html.slice(0, 200) + " " + (any[0]?.message ?? "")))
)`

const violations = (page: Page) => page.evaluate<ReadonlyArray<string>>(VIOLATIONS)

const everyKindOfReport = (file: string): Report => ({
  summary: "It fails.\n\n```\nError: boom\n```\n\nSee `x`.",
  rootCause: "It has no room",
  remarks: ["the answer was mended"],
  evidence: [
    { title: "Log", characters: 10, remarks: [] },
    { title: "Script", characters: 1000, remarks: ["its end was cut"] }
  ],
  suggestions: [
    forFile(file, "one\n2\nthree\nfour\n"),
    { ...forFile(file, "one\n"), targetFile: null, severity: "low" }
  ],
  model: "mock-1",
  costUsd: 1
})
