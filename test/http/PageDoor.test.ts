import { request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger } from "effect"
import { HealingHttp } from "effect-healing/http"
import { LIMITS } from "../../src/http/Slots.js"
import { addressOf, json, makeHttpWorld, type Sent, send } from "../support/httpWorld.js"

const content = (body: object) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body)
})

/** An app with both doors, and a way to come in. */
const makePage = Effect.gen(function* () {
  const world = yield* makeHttpWorld({ http: { port: 0, allowedHosts: ["build-7.lan"] } })
  const { socket, url = "" } = yield* world.serve
  const to = addressOf(url)
  const link = Effect.map(send({ socketPath: socket }, { method: "POST", path: "/page/link" }), ({ text }) =>
    String(json(text).url)
  )
  const open = (link: string) =>
    send(to, { path: "/page/session", ...content({ code: new URL(link).hash.replace("#code=", "") }) })
  const session = Effect.map(Effect.flatMap(link, open), ({ text }) => String(json(text).session))
  return { ...world, socket, url, to, link, open, session }
})

/** Asks without an end, and answers with the status; 0 if it is cut off. */
const stall = (to: { readonly host: string; readonly port: number }, { headers, method, path }: Sent) =>
  Effect.async<number>((resume) => {
    const asked = request({ ...to, method, path, headers, agent: false }, (response) => {
      response.resume()
      resume(Effect.succeed(response.statusCode ?? 0))
    })
    asked.on("error", () => resume(Effect.succeed(0)))
    asked.flushHeaders()
    return Effect.sync(() => asked.destroy())
  })

const VISIT = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }

describe("the page", () => {
  it.scopedLive("is there for everybody, shows nothing by itself, and may load nothing", () =>
    Effect.gen(function* () {
      const { to } = yield* makePage
      const { headers, status, text } = yield* send(to, { path: "/page" })
      assert.strictEqual(status, 200)
      assert.match(headers["content-type"] ?? "", /^text\/html/)
      const policy = String(headers["content-security-policy"])
      assert.match(policy, /^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+'; /)
      assert.include(policy, "require-trusted-types-for 'script'; trusted-types 'none'")
      assert.notMatch(policy, /unsafe|http|\*/)
      assert.notMatch(
        text.replaceAll("http://www.w3.org/2000/svg", ""),
        /<(?:script|link|img)[^>]*(?:src|href)="(?!data:)/
      )
      assert.strictEqual(headers["cache-control"], "no-store")
    })
  )

  it.scopedLive("opens once for each link, for whoever has made it, and is written down as another door", () =>
    Effect.gen(function* () {
      const { link, open, propose, suggestions, to, url } = yield* makePage
      const made = yield* link
      assert.match(made, new RegExp(`^${url}/page#code=[\\w-]{43}$`))
      const opened = yield* open(made)
      assert.strictEqual(opened.status, 200)
      const { caller, session } = json(opened.text)
      assert.deepInclude(caller, { door: "page" })
      const headers = { authorization: `Bearer ${session}` }
      assert.strictEqual((yield* send(to, { path: "/status", headers })).status, 200)
      assert.deepStrictEqual(json((yield* send(to, { path: "/caller", headers })).text), caller)

      const again = yield* open(made)
      assert.deepStrictEqual([again.status, json(again.text)._tag], [410, "LinkSpent"])

      const id = yield* propose
      const path = `/suggestions/${encodeURIComponent(id)}/reject`
      const rejected = yield* send(to, {
        path,
        ...content({ reason: "no" }),
        headers: { ...content({}).headers, ...headers }
      })
      assert.strictEqual(rejected.status, 200)
      const last = (yield* suggestions.steps(id)).at(-1)
      assert.deepInclude(last, { to: "rejected", reason: "no" })
      assert.strictEqual(last?.by.door, "page")
    })
  )

  it.scopedLive("makes links over the Unix socket only, and sessions make none", () =>
    Effect.gen(function* () {
      const { session, to } = yield* makePage
      const headers = { authorization: `Bearer ${yield* session}` }
      const made = yield* send(to, { method: "POST", path: "/page/link", headers })
      assert.deepStrictEqual([made.status, json(made.text)._tag], [403, "NotPermitted"])
    })
  )

  it.scopedLive("can be visited from anywhere, and nothing else can", () =>
    Effect.gen(function* () {
      const { session, to } = yield* makePage
      const headers = { authorization: `Bearer ${yield* session}` }
      const statusOf = (path: string, extra: Readonly<Record<string, string>>, method = "GET") =>
        Effect.map(send(to, { method, path, headers: { ...headers, ...extra } }), ({ status }) => status)
      assert.strictEqual(yield* statusOf("/page", VISIT), 200)
      assert.strictEqual(yield* statusOf("/page?", VISIT), 200)
      for (const [path, extra, method = "GET"] of [
        ["/page", { ...VISIT, "sec-fetch-dest": "iframe" }],
        ["/page", { ...VISIT, "sec-fetch-mode": "cors" }],
        ["/page", { "sec-fetch-site": "cross-site" }],
        ["/page", { origin: "https://evil.example" }],
        ["/page/session", VISIT, "POST"],
        ["/pages", VISIT],
        ["/status", VISIT],
        ["/status?/page", VISIT]
      ] as const) {
        assert.strictEqual(yield* statusOf(path, extra, method), 403, `${method} ${path} ${JSON.stringify(extra)}`)
      }
      assert.strictEqual(yield* statusOf("/page", { ...VISIT, host: "evil.example" }), 421)
    })
  )

  it.scopedLive("says that a session is over, as after a restart", () =>
    Effect.gen(function* () {
      const { to } = yield* makePage
      const headers = { authorization: `Bearer healing_session_${"A".repeat(43)}` }
      const refused = yield* send(to, { path: "/status", headers })
      assert.deepStrictEqual([refused.status, json(refused.text)._tag], [401, "Unauthorized"])
      assert.include(String(json(refused.text).message), "effect-healing open")
    })
  )

  it.scopedLive("is part of an API that an app has mounted, which knows by itself who looks", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const handler = yield* HealingHttp.toWebHandler({
        prefix: "/healing",
        authorize: () => Effect.succeed({ name: "anna", rights: "all" })
      }).pipe(Effect.provide(world.context))
      const ask = (path: string, init?: RequestInit) =>
        Effect.promise(() => handler(new Request(`http://localhost${path}`, init)))
      const page = yield* ask("/healing/page")
      assert.deepStrictEqual([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"])
      assert.strictEqual((yield* ask("/healing/caller")).status, 200)
      for (const [path, body] of [
        ["/healing/page/link", "{}"],
        ["/healing/page/session", JSON.stringify({ code: "x" })]
      ] as const) {
        const answered = yield* ask(path, { method: "POST", body, headers: { "content-type": "application/json" } })
        assert.deepInclude(yield* Effect.promise(() => answered.json()), { _tag: "NotProvided", service: "http.port" })
      }
    })
  )

  it.scopedLive("needs a port, and says how to get one", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const { socket } = yield* world.serve
      const { status, text } = yield* send({ socketPath: socket }, { method: "POST", path: "/page/link" })
      assert.deepStrictEqual([status, json(text)._tag], [501, "NotProvided"])
      assert.include(String(json(text).message), "pm2 set effect-healing:http_port 9877")
    })
  )

  it.scopedLive("lets nobody who is not known keep others out, nor from anything else", () =>
    Effect.gen(function* () {
      const { link, open, to } = yield* makePage
      // Each of them says that more is to come, and sends nothing.
      const slow = {
        method: "POST",
        path: "/page/session",
        headers: { "content-type": "application/json", "content-length": "9" }
      }
      const stalled = yield* Effect.forEach(Array.from({ length: LIMITS.ofNobody + 1 }), () =>
        Effect.fork(stall(to, slow))
      )
      const first = yield* Effect.raceAll(stalled.map(Fiber.join))
      assert.strictEqual(first, 429)
      assert.strictEqual((yield* send(to, { path: "/healthz" })).status, 200)
      assert.strictEqual((yield* send(to, { path: "/page" })).status, 200)
      // They are not waited for as long as others.
      const statuses = yield* Effect.forEach(stalled, Fiber.join)
      assert.deepStrictEqual(new Set(statuses), new Set([429, 0]))
      assert.strictEqual((yield* open(yield* link)).status, 200)
    })
  )

  it.scopedLive("leaves no code and no session in the log, whatever comes of them", () => {
    const said: Array<unknown> = []
    const listening = Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ message }) => said.push(message))
    )
    return Effect.gen(function* () {
      const { link, open, to } = yield* makePage
      const made = yield* link
      const secrets = [new URL(made).hash.replace("#code=", "")]
      const opened = json((yield* open(made)).text)
      secrets.push(String(opened.session))
      const headers = { authorization: `Bearer ${opened.session}` }
      yield* open(made)
      for (const path of ["/status", "/nothing", "/requests/x", `/page/session?${secrets[0]}`]) {
        const { text } = yield* send(to, { path, headers })
        for (const secret of secrets) assert.notInclude(text, secret)
      }
      const watching = yield* Effect.fork(send(to, { path: "/events", headers }))
      yield* Fiber.interrupt(watching)
      assert.isAbove(said.length, 0)
      for (const secret of secrets) assert.notInclude(JSON.stringify(said), secret)
    }).pipe(Effect.provide(listening))
  })
})
